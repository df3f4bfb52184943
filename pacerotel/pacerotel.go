// Package pacerotel joins Pacer and OpenTelemetry: it gives what a Recorder
// measured to OpenTelemetry's metric readers, and takes the spans of an app
// that OpenTelemetry instruments already as Pacer's stages.
//
// Metrics out, over OTLP or whatever exporter the reader has:
//
//	reader := metric.NewPeriodicReader(exporter, metric.WithProducer(pacerotel.NewProducer(rec)))
//	provider := metric.NewMeterProvider(metric.WithReader(reader), metric.WithResource(res))
//
// Spans in, with one line:
//
//	provider := trace.NewTracerProvider(trace.WithSpanProcessor(pacerotel.NewSpanProcessor(rec)))
//
// Nothing here opens a connection: that is the exporter's.
package pacerotel

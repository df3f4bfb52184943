package pacerotel_test

import (
	"context"
	"fmt"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	"github.com/pacer-perf/pacer"
	"github.com/pacer-perf/pacer/pacerotel"
)

// An app that OpenTelemetry instruments already has its stages with one line.
func ExampleNewSpanProcessor() {
	rec := pacer.New(pacer.Config{App: "cuepoint"})
	provider := sdktrace.NewTracerProvider(
		sdktrace.WithSpanProcessor(pacerotel.NewSpanProcessor(rec)), // this one
	)

	tracer := provider.Tracer("app")
	ctx, request := tracer.Start(context.Background(), "GET /tracks")
	_, query := tracer.Start(ctx, "db.Query")
	query.End()
	request.End()

	for _, stage := range rec.Snapshot().Stages {
		fmt.Println(stage.Path, stage.Count)
	}
	// Output:
	// get.tracks 1
	// get.tracks/db.query 1
}

// What was measured goes wherever a reader takes it: here to the test, else
// with a PeriodicReader and an OTLP exporter to a collector.
func ExampleNewProducer() {
	rec := pacer.New(pacer.Config{App: "cuepoint"})
	reader := metric.NewManualReader(metric.WithProducer(pacerotel.NewProducer(rec)))
	provider := metric.NewMeterProvider(metric.WithReader(reader))
	defer provider.Shutdown(context.Background())

	rec.Timer("table.filter", pacer.L("rows", "1000")).Record(150 * time.Millisecond)

	var data metricdata.ResourceMetrics
	if err := reader.Collect(context.Background(), &data); err != nil {
		fmt.Println(err)
	}
	for _, m := range data.ScopeMetrics[0].Metrics {
		if h, ok := m.Data.(metricdata.ExponentialHistogram[float64]); ok && m.Name == "table.filter" {
			p := h.DataPoints[0]
			fmt.Println(m.Name, m.Unit, p.Attributes.Encoded(attribute.DefaultEncoder()), p.Count, p.Sum)
		}
	}
	// Output:
	// table.filter s rows=1000 1 0.15
}

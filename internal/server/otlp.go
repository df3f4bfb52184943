package server

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"

	metricspb "go.opentelemetry.io/proto/otlp/metrics/v1"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	"github.com/pacer-perf/pacer/internal/format"
	"github.com/pacer-perf/pacer/internal/format/input"
)

// otlpPath is where exporters of OpenTelemetry send metrics by HTTP.
const otlpPath = "/v1/metrics"

const protobufType = "application/x-protobuf"

func isOTLP(r *http.Request) bool { return r.URL.Path == otlpPath }

// postOTLP serves POST /v1/metrics: an export request of OpenTelemetry, whose
// services become a run each.
func (s *Server) postOTLP(w http.ResponseWriter, r *http.Request) error {
	kind, err := wantType(r, protobufType, "application/json")
	if err != nil {
		return err
	}
	b, err := s.bodyOf(w, r, s.Limits.Run)
	if err != nil {
		return err
	}
	defer b.close()
	text, err := b.all()
	if err != nil {
		return err
	}
	s.counters.bytes.Add(b.raw.bytes)
	var m metricspb.MetricsData // which is what an ExportMetricsServiceRequest is on the wire
	weight, _ := weightOf(text)
	if kind == protobufType {
		if weight, err = weightOfMessage(text, m.ProtoReflect().Descriptor()); err != nil {
			return notOTLP()
		}
	}
	if err := tooManyParts(weight); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(r.Context(), s.Limits.StoreTime)
	leave, err := s.room.take(ctx, weight)
	cancel()
	if err != nil {
		return err
	}
	defer leave()
	if kind == protobufType {
		if err := proto.Unmarshal(text, &m); err != nil {
			return notOTLP()
		}
		if text, err = protojson.Marshal(&m); err != nil {
			return refuse(http.StatusBadRequest, "", "%v", err)
		}
	}
	if !noMetrics(text) {
		f, err := format.Named("otlp")
		if err != nil {
			return err
		}
		runs, err := f.Read(&input.Source{Name: "the body", Reader: bytes.NewReader(text)})
		if err != nil {
			return unreadable(err)
		}
		in, err := s.take(r, runs)
		if err != nil {
			return err
		}
		if rejected := len(in.kept.Rejected); rejected > 0 {
			return refuse(http.StatusBadRequest, "", "%s", in.kept.Rejected[0].Error)
		}
	}
	// The answer is an ExportMetricsServiceResponse without anything to say.
	w.Header().Set("Content-Type", kind)
	w.WriteHeader(http.StatusOK)
	if kind != protobufType {
		w.Write([]byte("{}"))
	}
	return nil
}

func notOTLP() error {
	return refuse(http.StatusBadRequest, "", "the body is no export request of OpenTelemetry metrics")
}

// rpcStatus is google.rpc.Status.
type rpcStatus struct {
	Code    int    `json:"code"`
	Message string `json:"message"`
}

// failOTLP answers with a google.rpc.Status in the encoding of the request. The
// status of HTTP decides whether an exporter tries again.
func failOTLP(w http.ResponseWriter, r *http.Request, e *refusal) {
	text := e.text
	if e.hint != "" {
		text += "; " + e.hint
	}
	code := rpcCode(e)
	if mediaType(r) != protobufType {
		writeJSON(w, e.status, rpcStatus{code, text})
		return
	}
	status := protowire.AppendTag(nil, 1, protowire.VarintType)
	status = protowire.AppendVarint(status, uint64(code))
	status = protowire.AppendTag(status, 2, protowire.BytesType)
	status = protowire.AppendString(status, text)
	w.Header().Set("Content-Type", protobufType)
	w.WriteHeader(e.status)
	w.Write(status)
}

// rpcCode is what a refusal is called in gRPC (google.rpc.Code).
func rpcCode(e *refusal) int {
	const invalidArgument, notFound, permissionDenied, resourceExhausted, internal, unavailable, unauthenticated = 3, 5, 7, 8, 13, 14, 16
	switch {
	case e.status == http.StatusUnauthorized:
		return unauthenticated
	case e.status == http.StatusForbidden:
		return permissionDenied
	case e.status == http.StatusNotFound:
		return notFound
	case e.status == http.StatusTooManyRequests:
		return resourceExhausted
	case e.after > 0:
		return unavailable
	case e.status >= http.StatusInternalServerError:
		return internal
	}
	return invalidArgument
}

// noMetrics tells whether an export request has nothing in it, which is not wrong.
func noMetrics(text []byte) bool {
	var b bytes.Buffer
	if len(text) < 1000 && json.Compact(&b, text) == nil {
		text = b.Bytes()
	}
	return len(bytes.TrimSpace(text)) == 0 || string(text) == "{}" || string(text) == `{"resourceMetrics":[]}`
}

package server

import (
	"bytes"
	"errors"
	"net/http"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/pacer-perf/pacer/internal/format"
	"github.com/pacer-perf/pacer/internal/jsonscan"
)

// What a document takes in memory while it is read is told from its text before
// that: three bytes of JSON, or two of protobuf, can be a point of 600.
const (
	// mostWeight is what one document may take, in bytes.
	mostWeight = 64 << 20
	// mostHeld is what all that are read at a time take.
	mostHeld = 96 << 20
	// Estimates that are rather too high, in bytes: of an object or message, of a
	// value in a list, of an attribute of OpenTelemetry and its value each.
	partWeight, valueWeight, attributeWeight = 640, 24, 160
)

// weightOf is what a document of JSON takes, or one of lines of text, and how many
// objects it has at most: what looks like one in a string counts too, of which a
// document has few.
func weightOf(text []byte) (weight int64, objects int) {
	objects = bytes.Count(text, []byte("{"))
	return int64(len(text)) + partWeight*int64(objects) + valueWeight*int64(bytes.Count(text, []byte(","))), objects
}

// Estimates as above: of a key in a map with what it is a key of, of a cell of a
// table.
const keyWeight, cellWeight = 120, 160

// weightOfFile is what a file of another tool takes. What formats read of a
// document they hold in maps, by key.
func weightOfFile(text []byte, f format.Format) int64 {
	count := func(part string) int64 { return int64(bytes.Count(text, []byte(part))) }
	switch {
	case f.Lines:
		return int64(len(text))
	case f.Cells:
		return int64(len(text)) + cellWeight*(count("\n")+count(",")+count(";")+count("\t"))
	}
	weight, _ := weightOf(text)
	return weight + keyWeight*count(":") + valueWeight*count("[")
}

// tooManyParts refuses what weighs more than one document may.
func tooManyParts(weight int64) error {
	if weight <= mostWeight {
		return nil
	}
	return refuse(http.StatusRequestEntityTooLarge, "send it in parts", "what was sent has too many parts: reading it would take %d MB, at most %d are taken", weight>>20, mostWeight>>20)
}

// metricsIn counts the metrics of a run without reading them. A document that is
// no run has those before its fault: what that is, is for run.Parse to say.
func metricsIn(text []byte) (n int) {
	p, err := jsonscan.New(text, "")
	if err != nil {
		return 0
	}
	p.Object(func(key string) bool { return key == "metrics" }, func(key string) error {
		if key != "metrics" {
			return p.Skip()
		}
		_, err := p.Array(func(int) error { n++; return p.Skip() })
		return err
	})
	return n
}

// errWire is a text that is no message of protobuf.
var errWire = errors.New("no message of protobuf")

// deepest is how deeply messages are nested, of which those of metrics are nine
// deep, and lists in attributes as deep as they like.
const deepest = 100

// weightOfMessage is what a message takes, as text and decoded, and written and
// read again as JSON.
func weightOfMessage(wire []byte, of protoreflect.MessageDescriptor) (int64, error) {
	weight, err := weigh(wire, of, deepest)
	return weight + 4*int64(len(wire)), err
}

func weigh(wire []byte, of protoreflect.MessageDescriptor, depth int) (weight int64, err error) {
	if depth == 0 {
		return 0, errWire
	}
	for len(wire) > 0 {
		number, kind, n := protowire.ConsumeTag(wire)
		if n < 0 {
			return 0, errWire
		}
		wire = wire[n:]
		if n = protowire.ConsumeFieldValue(number, kind, wire); n < 0 {
			return 0, errWire
		}
		value := wire[:n]
		wire = wire[n:]
		field := of.Fields().ByNumber(number)
		switch {
		case field == nil:
		case kind == protowire.BytesType && field.Message() != nil:
			inner, _ := protowire.ConsumeBytes(value)
			w, err := weigh(inner, field.Message(), depth-1)
			if err != nil {
				return 0, err
			}
			weight += w + messageWeight(field.Message())
		case kind == protowire.BytesType && field.IsPacked():
			inner, _ := protowire.ConsumeBytes(value)
			weight += 2 * valueWeight * numbersIn(inner, field.Kind())
		case field.IsList():
			weight += 2 * valueWeight
		}
	}
	return weight, nil
}

func messageWeight(of protoreflect.MessageDescriptor) int64 {
	switch of.Name() {
	case "KeyValue", "AnyValue":
		return attributeWeight
	}
	return partWeight
}

// numbersIn counts the numbers of a packed field.
func numbersIn(packed []byte, kind protoreflect.Kind) int64 {
	switch kind {
	case protoreflect.DoubleKind, protoreflect.Fixed64Kind, protoreflect.Sfixed64Kind:
		return int64(len(packed) / 8)
	case protoreflect.FloatKind, protoreflect.Fixed32Kind, protoreflect.Sfixed32Kind:
		return int64(len(packed) / 4)
	}
	n := int64(0)
	for _, b := range packed {
		if b < 0x80 { // the last byte of a number
			n++
		}
	}
	return n
}

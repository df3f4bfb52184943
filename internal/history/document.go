package history

import (
	"bytes"
	"compress/zlib"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"sync"

	"github.com/klauspost/compress/zstd"

	"github.com/pacer-perf/pacer/run"
)

// A packed document is a Zstandard frame of its text, which has a checksum, if
// there are no samples in it. Else it begins with magic, and has the samples in
// front: their length in bytes, themselves, their CRC-32C, and then the frame of
// the text that is left. Histories of earlier releases have frames alone, and
// zlib streams: all tell by their first bytes.
const magic = "pcr1"

var (
	encoder = sync.OnceValue(func() *zstd.Encoder {
		e, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithWindowSize(1<<20), zstd.WithEncoderCRC(true))
		if err != nil {
			panic(err) // options that do not go together
		}
		return e
	})
	decoder = sync.OnceValue(func() *zstd.Decoder {
		d, err := zstd.NewReader(nil, zstd.WithDecoderMaxMemory(run.MaxSize+1<<20), zstd.WithDecoderConcurrency(0))
		if err != nil {
			panic(err)
		}
		return d
	})
	zstdMagic  = []byte{0x28, 0xb5, 0x2f, 0xfd}
	castagnoli = crc32.MakeTable(crc32.Castagnoli)
)

// texts are buffers for documents, which are large and soon done with.
var texts = sync.Pool{New: func() any { return new([]byte) }}

// mostReused is the largest buffer that is kept for another document, in bytes.
const mostReused = 256 << 10

// buffer returns an empty one. What it has become is given back by done.
func buffer() (buf []byte, done func([]byte)) {
	kept := texts.Get().(*[]byte)
	return (*kept)[:0], func(grown []byte) {
		if cap(grown) <= mostReused {
			*kept = grown
		}
		texts.Put(kept)
	}
}

// pack makes a document small.
func pack(text []byte) []byte {
	rest, restDone := buffer()
	samples, samplesDone := buffer()
	packed, packedDone := buffer()
	rest, samples, taken := takeOut(text, rest, samples)
	if taken > 0 {
		packed = binary.AppendUvarint(append(packed, magic...), uint64(len(samples)))
		packed = binary.LittleEndian.AppendUint32(append(packed, samples...), crc32.Checksum(samples, castagnoli))
	}
	packed = encoder().EncodeAll(rest, packed)
	document := bytes.Clone(packed) // far shorter than the buffer that the encoder wants
	restDone(rest)
	samplesDone(samples)
	packedDone(packed)
	return document
}

// Text returns the text of a packed document, of which all checksums are looked
// at.
func Text(packed []byte) ([]byte, error) {
	switch {
	case bytes.HasPrefix(packed, zstdMagic):
		return decoder().DecodeAll(packed, nil)
	case bytes.HasPrefix(packed, []byte(magic)):
		return unpackSamples(packed[len(magic):])
	}
	z, err := zlib.NewReader(bytes.NewReader(packed))
	if err != nil {
		return nil, errors.New("the document is of no kind that is known")
	}
	return io.ReadAll(io.LimitReader(z, run.MaxSize+1))
}

func unpackSamples(packed []byte) ([]byte, error) {
	length, size := binary.Uvarint(packed)
	if size <= 0 || length > uint64(len(packed)) || uint64(len(packed)-size) < length+crc32.Size {
		return nil, errSamples
	}
	samples, packed := packed[size:size+int(length)], packed[size+int(length):]
	if binary.LittleEndian.Uint32(packed) != crc32.Checksum(samples, castagnoli) {
		return nil, errSamples
	}
	buf, done := buffer()
	rest, err := decoder().DecodeAll(packed[crc32.Size:], buf)
	if err != nil {
		return nil, err
	}
	defer done(rest)
	return putBack(make([]byte, 0, len(rest)+5*len(samples)), rest, samples)
}

// Unpack decodes the packed document of a run.
func Unpack(id string, packed []byte) (run.Run, error) {
	text, err := Text(packed)
	if err != nil {
		return run.Run{}, fmt.Errorf("run %s is damaged: %w", id, err)
	}
	return run.Parse(text, "run "+id)
}

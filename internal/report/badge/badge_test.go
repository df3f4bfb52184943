package badge

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
	"testing"

	"github.com/pacer-perf/pacer/internal/report/reporttest"
)

// A badge is well-formed, and has neither styles nor scripts.
func TestWrite(t *testing.T) {
	t.Parallel()
	reporttest.Check(t, Write, ".svg", func(text []byte) error {
		d := xml.NewDecoder(strings.NewReader(string(text)))
		for {
			token, err := d.Token()
			if errors.Is(err, io.EOF) {
				return nil
			}
			if err != nil {
				return err
			}
			if e, is := token.(xml.StartElement); is {
				for _, a := range e.Attr {
					if a.Name.Local == "style" || e.Name.Local == "script" || strings.HasPrefix(a.Name.Local, "on") {
						return fmt.Errorf("%s %s", e.Name.Local, a.Name.Local)
					}
				}
			}
		}
	})
}

// White text on every fill has a contrast of 4.5 or more.
func TestContrast(t *testing.T) {
	t.Parallel()
	for word, fill := range fills {
		if c := 1.05 / (luminance(t, fill) + 0.05); c < 4.5 {
			t.Errorf("%s: %.2f", word, c)
		}
	}
}

// luminance is the relative luminance of WCAG 2.2.
func luminance(t *testing.T, color string) float64 {
	sum := 0.0
	for i, weight := range []float64{0.2126, 0.7152, 0.0722} {
		v, err := strconv.ParseUint(color[1+2*i:3+2*i], 16, 8)
		if err != nil {
			t.Fatal(err)
		}
		c := float64(v) / 255
		if c <= 0.04045 {
			sum += weight * c / 12.92
		} else {
			sum += weight * math.Pow((c+0.055)/1.055, 2.4)
		}
	}
	return sum
}

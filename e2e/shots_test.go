package e2e

import (
	"bytes"
	"cmp"
	"image"
	"image/color"
	"image/draw"
	"image/png"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/chromedp/chromedp"
)

// shots are the pictures in docs/dashboard.md: a page, looked at in a window.
// SCREENSHOTS=../docs/dashboard go test -run TestScreenshots makes them anew.
var shots = func() (list []shot) {
	for _, p := range []struct {
		name, path string
		height     int64
	}{
		{"overview", "", 900}, {"metric", "metric?m=startup", 1120}, {"compare", "compare?b=2.4.1", 700}, {"regressions", "regressions", 900}, {"budgets", "budgets", 900}, {"runs", "runs", 420}, {"settings", "settings", 620},
	} {
		for _, scheme := range []string{"light", "dark"} {
			list = append(list, shot{p.name + "-" + scheme, p.path, window{Width: 1060, Height: p.height, Scheme: scheme}})
		}
	}
	small := window{Width: 390, Height: 1100}
	return append(list, shot{"small", "", small}, shot{"small-regressions", "regressions", small}, shot{"small-budgets", "budgets", small})
}()

type shot struct {
	name, path string
	window     window
}

func TestScreenshots(t *testing.T) {
	dir, shots := os.Getenv("SCREENSHOTS"), shots
	if dir == "" {
		dir, shots = t.TempDir(), shots[:2] // that it works is tested always
	} else if err := os.MkdirAll(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	b := open(t, lookedAt(t), window{})
	for _, s := range shots {
		b.resize(s.window)
		b.visit(s.path)
		b.until("everything to be drawn", `document.readyState === "complete"`)
		if s.path == "runs" {
			b.until("verdicts", `document.querySelectorAll("[data-verdict] .chip").length > 3`)
		}
		picture, err := chromedp.Run(b.ctx, chromedp.CaptureScreenshot())
		b.ok(err)
		small, err := reduce(picture)
		b.ok(err)
		if len(small) == 0 || len(small) > 100<<10 {
			t.Errorf("%s has %d bytes", s.name, len(small))
		}
		b.ok(os.WriteFile(filepath.Join(dir, s.name+".png"), small, 0o666))
	}
}

// mostColors is how many colours a picture keeps, the most frequent ones: a
// third of the size, and nobody sees it.
const mostColors = 64

// reduce returns a PNG of few colours.
func reduce(picture []byte) ([]byte, error) {
	decoded, err := png.Decode(bytes.NewReader(picture))
	if err != nil {
		return nil, err
	}
	counts := make(map[color.RGBA]int)
	bounds := decoded.Bounds()
	full := image.NewRGBA(bounds)
	draw.Draw(full, bounds, decoded, bounds.Min, draw.Src)
	for i := 0; i < len(full.Pix); i += 4 {
		for k := range 3 { // neighbours are one colour
			full.Pix[i+k] = full.Pix[i+k]&^7 | full.Pix[i+k]>>5
		}
		counts[color.RGBA{full.Pix[i], full.Pix[i+1], full.Pix[i+2], 255}]++
	}
	var colors []color.RGBA
	for c := range counts {
		colors = append(colors, c)
	}
	slices.SortFunc(colors, func(a, b color.RGBA) int {
		return cmp.Or(counts[b]-counts[a], int(a.R)-int(b.R), int(a.G)-int(b.G), int(a.B)-int(b.B))
	})
	var palette color.Palette
	for _, c := range colors[:min(mostColors, len(colors))] {
		palette = append(palette, c)
	}
	out := image.NewPaletted(bounds, palette)
	nearest := make(map[color.RGBA]uint8, len(colors))
	for y := bounds.Min.Y; y < bounds.Max.Y; y++ {
		for x := bounds.Min.X; x < bounds.Max.X; x++ {
			c := full.RGBAAt(x, y)
			i, ok := nearest[c]
			if !ok {
				i = uint8(palette.Index(c))
				nearest[c] = i
			}
			out.SetColorIndex(x, y, i)
		}
	}
	var small bytes.Buffer
	encoder := png.Encoder{CompressionLevel: png.BestCompression}
	err = encoder.Encode(&small, out)
	return small.Bytes(), err
}

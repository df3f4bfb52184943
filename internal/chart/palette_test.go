package chart

import (
	"math"
	"strconv"
	"strings"
	"testing"
)

// rgb reads #RRGGBB into linear light.
func rgb(t *testing.T, hex string) [3]float64 {
	t.Helper()
	var c [3]float64
	for i := range c {
		n, err := strconv.ParseUint(strings.TrimPrefix(hex, "#")[2*i:2*i+2], 16, 8)
		if err != nil || len(hex) != 7 {
			t.Fatalf("%q is no colour", hex)
		}
		v := float64(n) / 255
		if c[i] = v / 12.92; v > 0.04045 {
			c[i] = math.Pow((v+0.055)/1.055, 2.4)
		}
	}
	return c
}

// contrast is the ratio of WCAG 2.2.
func contrast(a, b [3]float64) float64 {
	luminance := func(c [3]float64) float64 { return 0.2126*c[0] + 0.7152*c[1] + 0.0722*c[2] + 0.05 }
	x, y := luminance(a), luminance(b)
	return max(x, y) / min(x, y)
}

// themes are the tokens by name, in light and dark.
func themes(t *testing.T) map[string]map[string][3]float64 {
	t.Helper()
	list := map[string]map[string][3]float64{"light": {}, "dark": {}}
	for _, token := range Tokens {
		list["light"][token.Name], list["dark"][token.Name] = rgb(t, token.Light), rgb(t, token.Dark)
	}
	return list
}

func TestContrast(t *testing.T) {
	t.Parallel()
	surfaces := []string{"bg", "surface", "surface2"}
	for theme, colors := range themes(t) {
		hold := func(least float64, on []string, names ...string) {
			for _, name := range names {
				for _, ground := range on {
					c, known := colors[name]
					g, there := colors[ground]
					if ratio := contrast(c, g); !known || !there || ratio < least {
						t.Errorf("%s: %s on %s has a contrast of %.2f, want %v", theme, name, ground, ratio, least)
					}
				}
			}
		}
		hold(4.5, surfaces, "text", "muted", "link")
		// Their own fill, and the plain grounds: words of charts and tables.
		for _, status := range []string{"within", "warning", "improved", "regressed", "unchanged", "inconclusive"} {
			hold(4.5, append(surfaces, status+"-fill"), status)
		}
		hold(4.5, []string{"critical-fill"}, "critical")
		hold(4.5, []string{"bg", "surface"}, "critical-fill", "limit-target", "limit-warning", "limit-critical") // as text
		hold(4.5, []string{"regressed-fill", "improved-fill", "within-fill"}, "text")
		hold(3, []string{"bg", "surface"}, "control", "link", "baseline", "series-1", "series-2", "series-3", "series-4", "series-5")
		hold(3, []string{"surface2"}, "text", "regressed", "improved") // intervals on the zone
	}
}

// Colours that mean different things stay apart for every kind of colour
// vision: by at least 10 of CIEDE2000, where 1 is what one can just tell.
func TestColorVision(t *testing.T) {
	t.Parallel()
	// Machado, Oliveira & Fernandes (2009), IEEE TVCG 15(6), 1291–1298:
	// severity 1.
	vision := map[string][9]float64{
		"usual":  {1, 0, 0, 0, 1, 0, 0, 0, 1},
		"protan": {0.152286, 1.052583, -0.204868, 0.114503, 0.786281, 0.099216, -0.003882, -0.048116, 1.051998},
		"deutan": {0.367322, 0.860646, -0.227968, 0.280085, 0.672501, 0.047413, -0.011820, 0.042940, 0.968881},
		"tritan": {1.255528, -0.076749, -0.178779, -0.078411, 0.930809, 0.147602, 0.004733, 0.691367, 0.303900},
	}
	apart := [][]string{
		{"series-1", "series-2", "series-3", "series-4", "series-5"},
		{"regressed", "improved"},
		{"series-1", "baseline"},
	}
	for theme, colors := range themes(t) {
		for kind, m := range vision {
			seen := func(name string) [3]float64 {
				c := colors[name]
				var out [3]float64
				for i := range out {
					out[i] = min(1, max(0, m[3*i]*c[0]+m[3*i+1]*c[1]+m[3*i+2]*c[2]))
				}
				return lab(out)
			}
			for _, group := range apart {
				for i := range group {
					for j := range i {
						if d := ciede2000(seen(group[i]), seen(group[j])); d < 10 {
							t.Errorf("%s, %s: %s and %s are %.1f apart", theme, kind, group[i], group[j], d)
						}
					}
				}
			}
		}
	}
}

// lab turns linear sRGB into CIELAB under D65.
func lab(c [3]float64) [3]float64 {
	f := func(v float64) float64 {
		if v > 216.0/24389 {
			return math.Cbrt(v)
		}
		return (24389.0/27*v + 16) / 116
	}
	x := f((0.4124564*c[0] + 0.3575761*c[1] + 0.1804375*c[2]) / 0.95047)
	y := f(0.2126729*c[0] + 0.7151522*c[1] + 0.0721750*c[2])
	z := f((0.0193339*c[0] + 0.1191920*c[1] + 0.9503041*c[2]) / 1.08883)
	return [3]float64{116*y - 16, 500 * (x - y), 200 * (y - z)}
}

// ciede2000 is the distance of Sharma, Wu & Dalal (2005), Color Res. Appl.
// 30(1), 21–30.
func ciede2000(p, q [3]float64) float64 {
	rad := func(d float64) float64 { return d * math.Pi / 180 }
	mean := (math.Hypot(p[1], p[2]) + math.Hypot(q[1], q[2])) / 2
	g := 0.5 * (1 - math.Sqrt(math.Pow(mean, 7)/(math.Pow(mean, 7)+math.Pow(25, 7))))
	polar := func(c [3]float64) (chroma, hue float64) {
		a := c[1] * (1 + g)
		if a == 0 && c[2] == 0 {
			return 0, 0
		}
		return math.Hypot(a, c[2]), math.Mod(math.Atan2(c[2], a)*180/math.Pi+360, 360)
	}
	c1, h1 := polar(p)
	c2, h2 := polar(q)
	dh, sum := h2-h1, h1+h2
	switch {
	case c1*c2 == 0:
		dh = 0
	case dh > 180:
		dh -= 360
	case dh < -180:
		dh += 360
	}
	h := sum / 2
	if c1*c2 == 0 {
		h = sum
	} else if math.Abs(h1-h2) > 180 {
		if h += 180; sum >= 360 {
			h -= 360
		}
	}
	dH := 2 * math.Sqrt(c1*c2) * math.Sin(rad(dh/2))
	l, c := (p[0]+q[0])/2, (c1+c2)/2
	tt := 1 - 0.17*math.Cos(rad(h-30)) + 0.24*math.Cos(rad(2*h)) + 0.32*math.Cos(rad(3*h+6)) - 0.20*math.Cos(rad(4*h-63))
	sl := 1 + 0.015*(l-50)*(l-50)/math.Sqrt(20+(l-50)*(l-50))
	sc, sh := 1+0.045*c, 1+0.015*c*tt
	turn := -2 * math.Sqrt(math.Pow(c, 7)/(math.Pow(c, 7)+math.Pow(25, 7))) * math.Sin(rad(60*math.Exp(-math.Pow((h-275)/25, 2))))
	dl, dc, dhh := (q[0]-p[0])/sl, (c2-c1)/sc, dH/sh
	return math.Sqrt(dl*dl + dc*dc + dhh*dhh + turn*dc*dhh)
}

// Published pairs: Sharma, Wu & Dalal (2005), table 1, numbers 1, 7 and 25.
func TestCIEDE2000(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		p, q [3]float64
		want float64
	}{
		{[3]float64{50, 2.6772, -79.7751}, [3]float64{50, 0, -82.7485}, 2.0425},
		{[3]float64{50, 0, 0}, [3]float64{50, -1, 2}, 2.3669},
		{[3]float64{60.2574, -34.0099, 36.2677}, [3]float64{60.4626, -34.1751, 39.4387}, 1.2644},
	} {
		if got := ciede2000(tt.p, tt.q); math.Abs(got-tt.want) > 5e-5 {
			t.Errorf("%v to %v: %.4f, want %v", tt.p, tt.q, got, tt.want)
		}
	}
}

// Every class of a chart is in the style sheet, or takes no colour.
func TestCSSHasEveryClass(t *testing.T) {
	t.Parallel()
	css := CSS()
	for _, l := range looks {
		if strings.Count(css, "\n."+l.class+"{") != 1 {
			t.Errorf("%s is in the style sheet %d times", l.class, strings.Count(css, "\n."+l.class+"{"))
		}
	}
}

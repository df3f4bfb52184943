// Package pagetest holds what every page of the dashboard is held to without a
// browser.
package pagetest

import (
	"encoding/xml"
	"errors"
	"fmt"
	"html"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
)

// Sound says what is wrong with a page: elements that do not nest, two of one
// id, what the content security policy would block, text that Go made.
func Sound(page string) error {
	ids := make(map[string]bool)
	d := xml.NewDecoder(strings.NewReader(page))
	d.Strict, d.AutoClose, d.Entity = false, xml.HTMLAutoClose, xml.HTMLEntity
	var open []string
	headings, level := 0, 0
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
		switch e := token.(type) {
		case xml.StartElement:
			name := e.Name.Local
			open = append(open, name)
			if name == "h1" {
				headings++
			}
			if len(name) == 2 && name[0] == 'h' && name[1] >= '1' && name[1] <= '6' && name != "hr" {
				if l := int(name[1] - '0'); l > level+1 {
					return fmt.Errorf("%s follows h%d", name, level)
				} else {
					level = l
				}
			}
			for _, a := range e.Attr {
				switch n := a.Name.Local; {
				case n == "id" && ids[a.Value]:
					return fmt.Errorf("id %s is there twice", a.Value)
				case n == "id":
					ids[a.Value] = true
				case n == "style" || strings.HasPrefix(n, "on"):
					return fmt.Errorf("<%s %s=%q>", name, n, a.Value)
				case (n == "href" || n == "src") && (strings.HasPrefix(a.Value, "/") || strings.Contains(a.Value, "://") || strings.Contains(strings.SplitN(a.Value, "?", 2)[0], "../")):
					return fmt.Errorf("%s=%q is not relative", n, a.Value)
				}
			}
		case xml.EndElement:
			if len(open) == 0 || open[len(open)-1] != e.Name.Local {
				return fmt.Errorf("</%s> closes %v", e.Name.Local, open)
			}
			open = open[:len(open)-1]
		}
	}
	if headings > 1 {
		return fmt.Errorf("%d headings of the first level", headings)
	}
	for _, made := range []string{"%!", "&lt;nil&gt;", "ZgotmplZ", "NaN", "+Inf"} {
		if i := strings.Index(page, made); i >= 0 {
			return fmt.Errorf("%q in: %s", made, page[max(0, i-100):min(len(page), i+100)])
		}
	}
	return nil
}

var href = regexp.MustCompile(`\shref="([^"]*)"`)

// Crawl follows the links of a page and of those that it leads to, most pages at
// most, and returns what is wrong with any of them. Each address has to answer,
// with a page that is sound.
func Crawl(h http.Handler, start string, most int) (visited int, problems []error) {
	queue, met := []string{start}, map[string]bool{start: true}
	for len(queue) > 0 && visited < most {
		target := queue[0]
		queue = queue[1:]
		visited++
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, target, nil))
		page := w.Body.String()
		if w.Code != http.StatusOK {
			problems = append(problems, fmt.Errorf("%s: status %d", target, w.Code))
			continue
		}
		if !strings.HasPrefix(w.Header().Get("Content-Type"), "text/html") {
			continue
		}
		if err := Sound(page); err != nil {
			problems = append(problems, fmt.Errorf("%s: %w", target, err))
		}
		base, err := url.Parse(target)
		if err != nil {
			problems = append(problems, err)
			continue
		}
		for _, m := range href.FindAllStringSubmatch(page, -1) {
			to, err := base.Parse(html.UnescapeString(m[1]))
			if err != nil {
				problems = append(problems, fmt.Errorf("%s leads to %s: %w", target, m[1], err))
				continue
			}
			to.Fragment = ""
			if next := to.RequestURI(); !met[next] && to.Host == base.Host {
				met[next] = true
				queue = append(queue, next)
			}
		}
	}
	return visited, problems
}

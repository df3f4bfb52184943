package dashboard

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"html/template"
	"io/fs"
	"mime"
	"net/http"
	"path"
	"strings"
	"sync"
	"time"

	"github.com/pacer-perf/pacer/internal/chart"
)

//go:embed templates/*.html static
var files embed.FS

// assets returns the files under static/, by name, and a hash of them all. The
// style sheet of the charts and the colours stands before that of the pages.
//
// Files are read and templates parsed when the first page is asked for: an app
// whose pages nobody opens, or that has none, neither waits for them nor links
// what they need.
var assets = sync.OnceValues(func() (map[string][]byte, string) {
	all := make(map[string][]byte)
	hash := sha256.New()
	err := fs.WalkDir(files, "static", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := files.ReadFile(name)
		if path.Base(name) == "app.css" {
			text = append([]byte(chart.CSS()), text...)
		}
		all[path.Base(name)] = text
		hash.Write(text)
		return err
	})
	if err != nil {
		panic(err)
	}
	return all, hex.EncodeToString(hash.Sum(nil)[:6])
})

// templates returns the pages, by name: each with the layout around it.
var templates = sync.OnceValue(func() map[string]*template.Template {
	all := make(map[string]*template.Template)
	shared := template.Must(template.New("").Funcs(functions).ParseFS(files, "templates/layout.html", "templates/parts.html"))
	entries, err := files.ReadDir("templates")
	if err != nil {
		panic(err)
	}
	for _, e := range entries {
		name := strings.TrimSuffix(e.Name(), ".html")
		if name != "layout" && name != "parts" {
			all[name] = template.Must(template.Must(shared.Clone()).ParseFS(files, "templates/"+e.Name()))
		}
	}
	return all
})

// asset serves a file. Its address changes with its content, so that browsers
// may keep it for ever.
func asset(w http.ResponseWriter, r *http.Request, name string) {
	all, hash := assets()
	text, ok := all[name]
	if !ok {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Content-Type", mime.TypeByExtension(path.Ext(name)))
	if r.URL.Query().Get("v") == hash {
		w.Header().Set("Cache-Control", "public, max-age=31536000, immutable")
	}
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(text))
}

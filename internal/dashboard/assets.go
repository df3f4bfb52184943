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
	"time"

	"github.com/pacer-perf/pacer/internal/chart"
)

//go:embed templates/*.html static
var files embed.FS

// assets are the files under static/, by name. The style sheet of the charts
// and the colours stands before that of the pages.
var assets, assetsHash = func() (map[string][]byte, string) {
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
}()

// templates are the pages, by name: each with the layout around it.
var templates = func() map[string]*template.Template {
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
}()

// asset serves a file. Its address changes with its content, so that browsers
// may keep it for ever.
func asset(w http.ResponseWriter, r *http.Request, name string) {
	text, ok := assets[name]
	if !ok {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Content-Type", mime.TypeByExtension(path.Ext(name)))
	if r.URL.Query().Get("v") == assetsHash {
		w.Header().Set("Cache-Control", "public, max-age=31536000, immutable")
	}
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(text))
}

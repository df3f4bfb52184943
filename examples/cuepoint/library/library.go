// Package library holds a DJ's library of a thousand tracks, as rekordbox
// exports it, and the generator it comes from.
//
// Every name in it is made up, out of syllables and plain words. What real
// libraries are full of is there on purpose: any script, entities escaped
// twice, artists inside the title, advertisements of download sites, missing
// and unreadable numbers, duplicates, and a count of entries that is wrong.
package library

import (
	_ "embed"
	"io"
	"strings"
)

//go:generate env UPDATE=1 go test -run TestEmbedded .

//go:embed library.xml
var embedded string

// Name stands for the embedded library where a file's name is shown.
const Name = "library.xml"

// Embedded is what the embedded library was generated from.
var Embedded = Config{Seed: 1, Tracks: 1000, Rekordbox: 6, WrongEntries: true}

// Open returns a reader of the embedded library.
func Open() io.Reader { return strings.NewReader(embedded) }

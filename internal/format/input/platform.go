package input

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
)

// Platform returns an operating system and an architecture, as other tools name
// them, in the words of Go, which run.Environment uses.
func Platform(system, machine string) (os, arch string) {
	os, arch = strings.ToLower(system), strings.ToLower(machine)
	for _, family := range []string{"windows", "darwin", "linux"} {
		if strings.HasPrefix(os, family) {
			os = family
		}
	}
	if strings.HasPrefix(os, "macos") || strings.HasPrefix(os, "mac os") {
		os = "darwin"
	}
	switch arch {
	case "x86_64", "x64", "amd64":
		arch = "amd64"
	case "aarch64", "arm64":
		arch = "arm64"
	case "x86", "i386", "i686":
		arch = "386"
	}
	return os, arch
}

// Host returns the name of a host as the SDK keeps it: hashed.
func Host(name string) string {
	if name == "" {
		return ""
	}
	sum := sha256.Sum256([]byte("pacer host " + name))
	return hex.EncodeToString(sum[:6])
}

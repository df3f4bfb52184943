package main

import "testing"

func TestProgramOf(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"./app --bench": "app", "FOO=1 cmd x": "cmd", `A='a b' B="c \" d" C= cmd`: "cmd", "env FOO=1 cmd": "cmd", "env -i FOO=1 /bin/cmd": "cmd",
		"(cmd; other)": "cmd", "( cmd)": "cmd", "{ cmd; }": "cmd", "cmd;": "cmd", "FOO=1": "FOO=1", "env": "env", "'./app' x": "app", "environment": "environment",
	} {
		if got := programIn(text); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
	for _, tt := range []struct {
		words []string
		want  string
	}{
		{[]string{"/bin/app.exe", "x"}, "app"}, {[]string{"env", "FOO=1", "cmd", "x"}, "cmd"}, {[]string{"/usr/bin/env", "-i", "./cmd"}, "cmd"}, {[]string{"env"}, "env"},
	} {
		if got := programOf(tt.words); got != tt.want {
			t.Errorf("%q: %q, want %q", tt.words, got, tt.want)
		}
	}
}

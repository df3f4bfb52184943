package helper

import (
	"reflect"
	"testing"
)

func TestMessages(t *testing.T) {
	t.Parallel()
	for _, want := range []Request{
		{Path: "/bin/true", Argv: []string{"true"}, Env: []string{}},
		{Path: "/bin/true", Dir: "/tmp", Argv: []string{"true", "", "a b"}, Env: []string{"A=", "B=1\n2"}},
	} {
		got, err := DecodeRequest(want.Encode())
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%+v, %v; want %+v", got, err, want)
		}
	}
	for _, bad := range []string{"", "\x01\x00", "\x00\x00\x00\x00a\x00b", "\x05\x00\x00\x00a\x00b\x00c"} {
		if r, err := DecodeRequest([]byte(bad)); err == nil {
			t.Errorf("%q is read as %+v", bad, r)
		}
	}
	want := Report{Status: 1, Start: 1 << 60, Began: -3, Instructions: -1, Left: 2}
	if got, err := DecodeReport(want.Encode()); err != nil || got != want {
		t.Errorf("%+v, %v; want %+v", got, err, want)
	}
	if _, err := DecodeReport([]byte{1, 2, 3}); err == nil {
		t.Error("a report that was cut was read")
	}
	if kind, size := Head(Message(Run, make([]byte, 70000))); kind != Run || size != 70000 {
		t.Errorf("%c, %d", kind, size)
	}
}

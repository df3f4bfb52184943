package measure

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// What keeps a program that is there from being started.
var (
	ErrNoFormat      = errors.New("it is neither a program of this system nor a script that names its interpreter")
	ErrNoInterpreter = errors.New("is not there")
)

// starting explains an error of starting the program at a path. The helper
// hands on the words of one, no more.
func starting(path string, err error) error {
	switch text := err.Error(); {
	case strings.HasSuffix(text, "exec format error"):
		return fmt.Errorf("%w: %w", err, ErrNoFormat)
	case strings.HasSuffix(text, "no such file or directory"):
		if name := interpreter(path); name != "" {
			if _, missing := os.Stat(name); missing != nil {
				return fmt.Errorf("its interpreter, %s, %w", name, ErrNoInterpreter)
			}
		}
	}
	return err
}

// interpreter returns what the first line of a script names, "" if it is none.
func interpreter(path string) string {
	f, err := os.Open(path)
	if err != nil {
		return ""
	}
	defer f.Close()
	line, _ := bufio.NewReaderSize(f, 256).ReadSlice('\n')
	after, script := strings.CutPrefix(string(line), "#!")
	if fields := strings.Fields(after); script && len(fields) > 0 && filepath.IsAbs(fields[0]) {
		return fields[0]
	}
	return ""
}

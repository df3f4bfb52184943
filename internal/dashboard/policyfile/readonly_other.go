//go:build !unix

package policyfile

import "errors"

var errReadOnly = errors.New("read-only file system")

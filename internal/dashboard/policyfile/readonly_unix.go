//go:build unix

package policyfile

import "syscall"

// errReadOnly is what a mount that cannot be written to says.
var errReadOnly error = syscall.EROFS

//go:build !unix

package main

import "os"

// alive tells whether there is a process of that id.
func alive(pid int) bool {
	p, err := os.FindProcess(pid) // which opens it, where there are no signals
	if err != nil {
		return false
	}
	p.Release()
	return true
}

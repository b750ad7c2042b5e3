//go:build !linux

package main

import "syscall"

// childAttributes put a child into a process group of its own. Outside Linux nothing ends it if we are killed with
// SIGKILL.
func childAttributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true}
}

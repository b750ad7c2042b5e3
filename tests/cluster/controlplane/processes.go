package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"sync"
	"syscall"
	"time"
)

// commandGrace is how long the command of --exec has to end after SIGTERM, before its process group is killed.
const commandGrace = 10 * time.Second

// logTailLines is how much of a process's log is shown when it dies.
const logTailLines = 20

// commandStatus is the exit status of the command of --exec, when it is not 0.
type commandStatus int

func (s commandStatus) Error() string { return fmt.Sprintf("exit status %d", int(s)) }

// family is the processes we started, each in a process group of its own, so that a terminal's Ctrl-C reaches only us
// and that a whole group can be ended.
type family struct {
	directory *directory
	// end is called with the reason when one of the processes dies of itself.
	end context.CancelCauseFunc

	mutex   sync.Mutex
	killed  bool
	members []*member
}

type member struct {
	process *os.Process
	gone    chan struct{}
}

func newFamily(d *directory, end context.CancelCauseFunc) *family {
	return &family{directory: d, end: end}
}

// start runs a program for as long as the cluster lasts. Call it from the main thread: the child dies with the thread.
func (f *family) start(name, program string, arguments ...string) error {
	log, err := os.Create(f.directory.log(name))
	if err != nil {
		return err
	}
	defer log.Close()
	command := exec.Command(program, arguments...)
	command.Dir = f.directory.path
	command.Stdout, command.Stderr = log, log
	command.SysProcAttr = childAttributes()
	if err := command.Start(); err != nil {
		return fmt.Errorf("start %s: %w", name, err)
	}
	m := &member{process: command.Process, gone: make(chan struct{})}
	f.mutex.Lock()
	f.members = append(f.members, m)
	f.mutex.Unlock()
	go func() {
		defer close(m.gone)
		err := command.Wait()
		f.mutex.Lock()
		defer f.mutex.Unlock()
		if !f.killed {
			f.end(fmt.Errorf("%s ended (%s); the end of its log:\n%s", name, outcome(err), f.logTail(name)))
		}
	}()
	return nil
}

func outcome(err error) string {
	if err == nil {
		return "exit status 0"
	}
	return err.Error()
}

// logTail is the last lines of a process's log.
func (f *family) logTail(name string) []byte {
	content, err := os.ReadFile(f.directory.log(name))
	if err != nil {
		return []byte(err.Error())
	}
	lines := bytes.SplitAfter(content, []byte("\n"))
	return bytes.Join(lines[max(0, len(lines)-logTailLines-1):], nil)
}

// kill ends all of them and returns when they are gone. Nothing of theirs is kept, so there is nothing to flush and
// no reason to ask them first.
func (f *family) kill() {
	f.mutex.Lock()
	f.killed = true
	f.mutex.Unlock()
	for _, m := range f.members {
		killGroup(m.process, syscall.SIGKILL)
	}
	for _, m := range f.members {
		<-m.gone
	}
}

func killGroup(leader *os.Process, signal syscall.Signal) {
	// ESRCH: the group is gone, which is what is wanted.
	_ = syscall.Kill(-leader.Pid, signal)
}

// runCommand runs the command of --exec to its end and returns its status as a commandStatus. When ctx ends first,
// the command is told to end and the reason returned. No process of its group survives it.
func (f *family) runCommand(ctx context.Context, arguments, environment []string) error {
	command := exec.Command(arguments[0], arguments[1:]...)
	command.Env = append(os.Environ(), environment...)
	command.Stdout, command.Stderr = os.Stdout, os.Stderr
	command.SysProcAttr = childAttributes()
	if err := command.Start(); err != nil {
		return err
	}
	defer killGroup(command.Process, syscall.SIGKILL)
	done := make(chan error, 1)
	go func() { done <- command.Wait() }()

	select {
	case err := <-done:
		return commandResult(err)
	case <-ctx.Done():
	}
	killGroup(command.Process, syscall.SIGTERM)
	select {
	case <-done:
	case <-time.After(commandGrace):
		killGroup(command.Process, syscall.SIGKILL)
		<-done
	}
	return context.Cause(ctx)
}

func commandResult(err error) error {
	var exit *exec.ExitError
	if !errors.As(err, &exit) {
		return err
	}
	if status, ok := exit.Sys().(syscall.WaitStatus); ok && status.Signaled() {
		return commandStatus(128 + int(status.Signal()))
	}
	return commandStatus(exit.ExitCode())
}

package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"sync"
	"syscall"
	"time"
)

// endGrace is how long a process has to end after SIGTERM, before its process group is killed.
const endGrace = 10 * time.Second

// logTailLines is how much of a process's log is shown when it dies.
const logTailLines = 20

// commandStatus is the exit status of the command of --exec, when it is not 0.
type commandStatus int

func (s commandStatus) Error() string { return fmt.Sprintf("exit status %d", int(s)) }

// program is a process as it is started, again and again if need be.
type program struct {
	name, path string
	arguments  []string
	// awaited is a condition for until: the process does its work.
	awaited func(context.Context) error
}

// family is the processes we started, each in a process group of its own, so that a terminal's Ctrl-C reaches only us
// and that a whole group can be ended.
type family struct {
	directory *directory
	// end is called with the reason when one of the processes dies of itself.
	end context.CancelCauseFunc
	// starts are carried out by one thread: the kernel ends a child with the thread that started it, so that thread
	// has to last as long as this process.
	starts chan func()

	mutex   sync.Mutex
	members map[string]*member
}

type member struct {
	program program
	process *os.Process
	// told is set when its end is wanted; guarded by the family's mutex.
	told bool
	gone chan struct{}
}

func newFamily(d *directory, end context.CancelCauseFunc) *family {
	f := &family{directory: d, end: end, starts: make(chan func()), members: map[string]*member{}}
	go func() {
		runtime.LockOSThread()
		for start := range f.starts {
			start()
		}
	}()
	return f
}

// spawn starts a command on the thread that lasts.
func (f *family) spawn(command *exec.Cmd) error {
	command.SysProcAttr = childAttributes()
	done := make(chan error)
	f.starts <- func() { done <- command.Start() }
	return <-done
}

// start runs a program for as long as the cluster lasts, or until it is told to end.
func (f *family) start(p program) error {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	if m, known := f.members[p.name]; known && !m.isGone() {
		return fmt.Errorf("%s runs already", p.name)
	}
	log, err := os.OpenFile(f.directory.log(p.name), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	defer log.Close()
	command := exec.Command(p.path, p.arguments...)
	command.Dir = f.directory.path
	command.Stdout, command.Stderr = log, log
	if err := f.spawn(command); err != nil {
		return fmt.Errorf("start %s: %w", p.name, err)
	}
	m := &member{program: p, process: command.Process, gone: make(chan struct{})}
	f.members[p.name] = m
	go func() {
		err := command.Wait()
		close(m.gone)
		f.mutex.Lock()
		defer f.mutex.Unlock()
		if !m.told {
			f.end(fmt.Errorf("%s ended (%s); the end of its log:\n%s", p.name, outcome(err), f.logTail(p.name)))
		}
	}()
	return nil
}

// run starts a program and returns when it does its work.
func (f *family) run(ctx context.Context, p program) error {
	if err := f.start(p); err != nil {
		return err
	}
	return until(ctx, p.name, p.awaited)
}

// again starts a program that ran before.
func (f *family) again(ctx context.Context, name string) error {
	m, err := f.member(name)
	if err != nil {
		return err
	}
	return f.run(ctx, m.program)
}

// stop tells a process to end, and returns when it is gone. One that is gone already is left so.
func (f *family) stop(name string) error {
	m, err := f.dismiss(name)
	if err != nil {
		return err
	}
	if m.isGone() {
		return nil
	}
	// A frozen process would not hear of it.
	killGroup(m.process, syscall.SIGCONT)
	killGroup(m.process, syscall.SIGTERM)
	select {
	case <-m.gone:
		return nil
	case <-time.After(endGrace):
		return f.kill(name)
	}
}

// kill ends a process at once.
func (f *family) kill(name string) error {
	m, err := f.dismiss(name)
	if err != nil {
		return err
	}
	if !m.isGone() {
		killGroup(m.process, syscall.SIGKILL)
	}
	<-m.gone
	return nil
}

// signal sends SIGSTOP or SIGCONT to a process.
func (f *family) signal(name string, signal syscall.Signal) error {
	m, err := f.member(name)
	if err != nil {
		return err
	}
	if m.isGone() {
		return fmt.Errorf("%s does not run", name)
	}
	killGroup(m.process, signal)
	return nil
}

func (f *family) member(name string) (*member, error) {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	m, known := f.members[name]
	if !known {
		return nil, fmt.Errorf("no process is called %q here", name)
	}
	return m, nil
}

// dismiss makes a process's end no reason to end everything.
func (f *family) dismiss(name string) (*member, error) {
	m, err := f.member(name)
	if err != nil {
		return nil, err
	}
	f.mutex.Lock()
	defer f.mutex.Unlock()
	m.told = true
	return m, nil
}

func (m *member) isGone() bool {
	select {
	case <-m.gone:
		return true
	default:
		return false
	}
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

// killAll ends all of them and returns when they are gone. Nothing of theirs is kept, so there is nothing to flush and
// no reason to ask them first.
func (f *family) killAll() {
	f.mutex.Lock()
	members := make([]*member, 0, len(f.members))
	for _, m := range f.members {
		m.told = true
		members = append(members, m)
	}
	f.mutex.Unlock()
	for _, m := range members {
		if !m.isGone() {
			killGroup(m.process, syscall.SIGKILL)
		}
	}
	for _, m := range members {
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
	command.Env = slices.Concat(os.Environ(), environment)
	command.Stdout, command.Stderr = os.Stdout, os.Stderr
	if err := f.spawn(command); err != nil {
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
	case <-time.After(endGrace):
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

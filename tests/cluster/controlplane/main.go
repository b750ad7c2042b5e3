// Command controlplane starts etcd, kube-apiserver and what else it is given the path of, installs the Sandbox API and
// the driver's service account, and keeps all of it until a signal comes, a command has ended or a process dies.
// Nothing of it is left afterwards.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"syscall"
	"time"
)

// startupLimit bounds the time from the first process to a cluster that answers the driver: seconds, unless the machine
// is busy with much else.
const startupLimit = 5 * time.Minute

// options are what the command line says. A path left empty leaves that process out.
type options struct {
	etcd, apiserver, controllerManager, kubelet         string
	sandboxController, sandboxManifests                 string
	sandboxControllerV1alpha1, sandboxManifestsV1alpha1 string
	// sandboxVersion says which release of agent-sandbox is installed: the version of the API that it stores, or
	// noRelease.
	sandboxVersion string
	// istio is the path of the definitions of Istio's kinds; empty to go without them.
	istio string
	// logs is the directory for logs; empty means one inside the cluster's own, which goes with it.
	logs string
	// command runs once the cluster is ready, and the cluster ends with it. Empty: run until a signal.
	command []string
}

func parseOptions(arguments []string) (options, error) {
	var o options
	if at := slices.Index(arguments, "--exec"); at >= 0 {
		arguments, o.command = arguments[:at], arguments[at+1:]
		if len(o.command) == 0 {
			return o, errors.New("--exec wants a command after it")
		}
	}
	flags := flag.NewFlagSet("up", flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	flags.StringVar(&o.etcd, "etcd", "", "the etcd `program`")
	flags.StringVar(&o.apiserver, "kube-apiserver", "", "the kube-apiserver `program`")
	flags.StringVar(&o.controllerManager, "kube-controller-manager", "", "`program`; '' to go without garbage collection")
	flags.StringVar(&o.sandboxVersion, "agent-sandbox", "v1beta1",
		"the release to install, by the `version` of the API that it stores: v1beta1, v1alpha1, or none")
	flags.StringVar(&o.sandboxController, "agent-sandbox-controller", "", "`program`; '' to go without pods for sandboxes")
	flags.StringVar(&o.sandboxManifests, "agent-sandbox-manifests", "", "YAML `file` with the Sandbox CRD and the controller's rights")
	flags.StringVar(&o.sandboxControllerV1alpha1, "agent-sandbox-controller-v1alpha1", "", "the same `program` of the older release")
	flags.StringVar(&o.sandboxManifestsV1alpha1, "agent-sandbox-manifests-v1alpha1", "", "the same `file` of the older release")
	flags.StringVar(&o.istio, "istio", "", "YAML `file` with the definitions of Istio's kinds; '' to go without")
	flags.StringVar(&o.kubelet, "kubelet", "", "`program`; '' to leave pods Pending")
	flags.StringVar(&o.logs, "logs", "", "keep logs and the audit log in this `directory`")
	err := flags.Parse(arguments)
	switch {
	case errors.Is(err, flag.ErrHelp):
		fmt.Println("up [OPTION]… [--exec COMMAND [ARGUMENT]…]\n\nAn option given twice counts as given last.")
		flags.SetOutput(os.Stdout)
		flags.PrintDefaults()
	case err == nil && flags.NArg() > 0:
		err = fmt.Errorf("%q is not an option; a command goes after --exec", flags.Arg(0))
	case err == nil && (o.etcd == "" || o.apiserver == ""):
		err = errors.New("--etcd and --kube-apiserver are needed")
	case err == nil && o.sandboxVersion != noRelease && o.releases()[o.sandboxVersion].manifests == "":
		err = fmt.Errorf("there are no manifests of an agent-sandbox that stores %q", o.sandboxVersion)
	}
	return o, err
}

// interrupted ends a cluster because a signal asked for it.
type interrupted struct{ signal syscall.Signal }

func (i interrupted) Error() string { return i.signal.String() }

func main() {
	o, err := parseOptions(os.Args[1:])
	if errors.Is(err, flag.ErrHelp) {
		os.Exit(0)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "up:", err)
		os.Exit(2)
	}
	os.Exit(exitStatus(run(o)))
}

// exitStatus follows the shell: 128 + number for a signal, the command's own status for a command.
func exitStatus(err error) int {
	var stopped interrupted
	var command commandStatus
	switch {
	case err == nil:
		return 0
	case errors.As(err, &stopped):
		return 128 + int(stopped.signal)
	case errors.As(err, &command):
		return int(command)
	}
	fmt.Fprintln(os.Stderr, "up:", err)
	return 1
}

func run(o options) (err error) {
	ctx, end := context.WithCancelCause(context.Background())
	signals := make(chan os.Signal, 1)
	// SIGPIPE: nobody reads what we print any more, as in `up | head`.
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGPIPE)
	go func() { end(interrupted{(<-signals).(syscall.Signal)}) }()

	sweepAbandoned(os.TempDir())
	directory, err := newDirectory(o.logs)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, directory.remove()) }()
	processes := newFamily(directory, end)
	defer processes.killAll()

	started := time.Now()
	limited, cancel := context.WithTimeoutCause(ctx, startupLimit,
		fmt.Errorf("the cluster was not ready after %s", startupLimit))
	defer cancel()
	cluster, err := start(limited, o, directory, processes)
	if err != nil {
		return err
	}
	fmt.Fprintf(os.Stderr, "ready in %.1f s\n", time.Since(started).Seconds())
	cancel()

	go cluster.renewTokens(ctx, end)
	if err := cluster.serveControl(ctx); err != nil {
		return err
	}
	if len(o.command) > 0 {
		return processes.runCommand(ctx, o.command, directory.environment(cluster.ports.apiserver))
	}
	directory.describe(os.Stdout)
	<-ctx.Done()
	if errors.As(context.Cause(ctx), &interrupted{}) {
		return nil
	}
	return context.Cause(ctx)
}

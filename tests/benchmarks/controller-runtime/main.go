// The operator's work as controller-runtime does it, to be measured beside it: the same children by server-side
// apply, unchanged ones skipped by a hash, and the same status. Default settings but for the number of workers.
package main

import (
	"flag"
	"os"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/kubernetes/scheme"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/log/zap"
	"sigs.k8s.io/controller-runtime/pkg/metrics/server"
)

func main() {
	templates := flag.String("templates", "", "file of the children and the status, with placeholders for an agent's own")
	workers := flag.Int("workers", 1, "MaxConcurrentReconciles")
	flag.Parse()
	ctrl.SetLogger(zap.New())
	if err := run(*templates, *workers); err != nil {
		ctrl.Log.Error(err, "cannot go on")
		os.Exit(1)
	}
}

func run(file string, workers int) error {
	made, err := readTemplates(file)
	if err != nil {
		return err
	}
	manager, err := ctrl.NewManager(ctrl.GetConfigOrDie(), ctrl.Options{Metrics: server.Options{BindAddress: "0"}})
	if err != nil {
		return err
	}
	agent := &unstructured.Unstructured{}
	agent.SetGroupVersionKind(agentKind)
	builder := ctrl.NewControllerManagedBy(manager).
		For(agent).
		WithOptions(controller.Options{MaxConcurrentReconciles: workers})
	for _, kind := range made.kinds() {
		child, err := scheme.Scheme.New(kind)
		if err != nil {
			return err
		}
		builder = builder.Owns(child.(client.Object))
	}
	if err := builder.Complete(&reconciler{client: manager.GetClient(), templates: made}); err != nil {
		return err
	}
	return manager.Start(ctrl.SetupSignalHandler())
}

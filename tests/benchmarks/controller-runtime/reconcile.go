package main

import (
	"context"
	"reflect"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/kubernetes/scheme"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

const owner = client.FieldOwner("voiceagent-operator")

var agentKind = schema.GroupVersionKind{Group: "voiceagents.dev", Version: "v1alpha1", Kind: "VoiceAgent"}

type reconciler struct {
	client    client.Client
	templates *templates
}

// Reconcile applies what is missing or differs, then writes the status if that differs.
func (r *reconciler) Reconcile(ctx context.Context, request ctrl.Request) (ctrl.Result, error) {
	agent := &unstructured.Unstructured{}
	agent.SetGroupVersionKind(agentKind)
	if err := r.client.Get(ctx, request.NamespacedName, agent); err != nil {
		return ctrl.Result{}, client.IgnoreNotFound(err)
	}
	children, status, err := r.templates.fill(agent)
	if err != nil {
		return ctrl.Result{}, err
	}
	for _, child := range children {
		if err := r.apply(ctx, child); err != nil {
			return ctrl.Result{}, err
		}
	}
	return ctrl.Result{}, r.applyStatus(ctx, agent, status)
}

func (r *reconciler) apply(ctx context.Context, child *unstructured.Unstructured) error {
	made, err := scheme.Scheme.New(child.GroupVersionKind())
	if err != nil {
		return err
	}
	seen := made.(client.Object)
	err = r.client.Get(ctx, client.ObjectKeyFromObject(child), seen)
	if err != nil && !apierrors.IsNotFound(err) {
		return err
	}
	if err == nil && seen.GetAnnotations()[hashAnnotation] == child.GetAnnotations()[hashAnnotation] {
		return nil
	}
	return r.client.Apply(ctx, client.ApplyConfigurationFromUnstructured(child), owner, client.ForceOwnership)
}

func (r *reconciler) applyStatus(ctx context.Context, agent *unstructured.Unstructured, status map[string]any) error {
	seen, _, _ := unstructured.NestedMap(agent.Object, "status")
	keepTransitionTimes(status, seen)
	if reflect.DeepEqual(seen, status) {
		return nil
	}
	body := &unstructured.Unstructured{Object: map[string]any{"status": status}}
	body.SetGroupVersionKind(agentKind)
	body.SetNamespace(agent.GetNamespace())
	body.SetName(agent.GetName())
	return r.client.Status().Apply(ctx, client.ApplyConfigurationFromUnstructured(body), owner, client.ForceOwnership)
}

// keepTransitionTimes gives each condition whose status has not changed the time that it had.
func keepTransitionTimes(status, seen map[string]any) {
	old, _, _ := unstructured.NestedSlice(seen, "conditions")
	conditions, _ := status["conditions"].([]any)
	for _, one := range conditions {
		condition := one.(map[string]any)
		for _, other := range old {
			before := other.(map[string]any)
			if before["type"] == condition["type"] && before["status"] == condition["status"] {
				condition["lastTransitionTime"] = before["lastTransitionTime"]
			}
		}
	}
}

package main

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"os"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

const (
	hashAnnotation   = "voiceagents.dev/applied-hash"
	namePlaceholder  = "name-placeholder"
	uidPlaceholder   = "uid-placeholder"
	wordsPlaceholder = "instructions-placeholder"
)

// templates are the children and the status as the measured operator writes them, taken from its own builders,
// so that all contestants write objects of the same shape and size.
type templates struct {
	Children []json.RawMessage `json:"children"`
	Status   json.RawMessage   `json:"status"`
	seen     []schema.GroupVersionKind
}

func readTemplates(file string) (*templates, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	made := &templates{}
	if err := json.Unmarshal(text, made); err != nil {
		return nil, err
	}
	known := map[schema.GroupVersionKind]bool{}
	for _, child := range made.Children {
		object := &unstructured.Unstructured{}
		if err := object.UnmarshalJSON(child); err != nil {
			return nil, err
		}
		if kind := object.GroupVersionKind(); !known[kind] {
			known[kind] = true
			made.seen = append(made.seen, kind)
		}
	}
	return made, nil
}

func (t *templates) kinds() []schema.GroupVersionKind { return t.seen }

// fill makes an agent's children and status.
func (t *templates) fill(agent *unstructured.Unstructured) ([]*unstructured.Unstructured, map[string]any, error) {
	words, _, _ := unstructured.NestedString(agent.Object, "spec", "instructions")
	replace := strings.NewReplacer(
		namePlaceholder, agent.GetName(), uidPlaceholder, string(agent.GetUID()), wordsPlaceholder, words,
	)
	children := make([]*unstructured.Unstructured, 0, len(t.Children))
	for _, template := range t.Children {
		text := replace.Replace(string(template))
		child := &unstructured.Unstructured{}
		if err := child.UnmarshalJSON([]byte(text)); err != nil {
			return nil, nil, err
		}
		digest := sha256.Sum256([]byte(text))
		annotations := child.GetAnnotations()
		if annotations == nil {
			annotations = map[string]string{}
		}
		annotations[hashAnnotation] = hex.EncodeToString(digest[:])[:16]
		child.SetAnnotations(annotations)
		children = append(children, child)
	}
	status, err := t.fillStatus(agent, replace)
	return children, status, err
}

func (t *templates) fillStatus(agent *unstructured.Unstructured, replace *strings.Replacer) (map[string]any, error) {
	object := &unstructured.Unstructured{}
	text := `{"kind":"VoiceAgent","apiVersion":"voiceagents.dev/v1alpha1","status":` + replace.Replace(string(t.Status)) + `}`
	if err := object.UnmarshalJSON([]byte(text)); err != nil {
		return nil, err
	}
	status, _, err := unstructured.NestedMap(object.Object, "status")
	if err != nil {
		return nil, err
	}
	now := time.Now().UTC().Format(time.RFC3339)
	status["observedGeneration"] = agent.GetGeneration()
	for _, one := range status["conditions"].([]any) {
		condition := one.(map[string]any)
		condition["observedGeneration"] = agent.GetGeneration()
		condition["lastTransitionTime"] = now
	}
	return status, nil
}

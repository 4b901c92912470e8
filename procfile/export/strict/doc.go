// Package strict tests the exports for Kubernetes with the types of its API. It
// is a module of its own, so that devports does not depend on them.
package strict

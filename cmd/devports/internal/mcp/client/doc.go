// Package client tests devports mcp with the client of the protocol's SDK. It is
// a module of its own, so that devports does not depend on that SDK.
package client

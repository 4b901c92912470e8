// Package browser tests named addresses in a real browser, Chromium. It is a
// module of its own, because devports itself does not need the driver.
package browser

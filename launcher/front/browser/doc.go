// Package browser tests named addresses and the dashboard in a real browser,
// Chromium. It is a module of its own, because devports itself does not need the
// driver.
//
// The tests measure times, so they run one at a time. -flood=30 makes the test
// of a flood longer. BROWSER_SCREENSHOTS=DIRECTORY writes how the pages look
// there. The accessibility checker comes from npm.
package browser

// Package e2e looks at what Pacer shows in a browser, in a real one: Debian's
// chromium, without a window. It holds tests only, in a module of its own, so
// that who imports Pacer never sees the driver.
package e2e

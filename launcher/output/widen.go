package output

const (
	// Through a pipe that holds more, services and devports wait for each other
	// less often: the system gives a pipe 64 KiB.
	wideInput  = 256 << 10
	wideOutput = 1 << 20

	// widenAt is how much is read or written at once before a pipe is widened,
	// in bytes.
	widenAt = 48 << 10

	// maxWide limits the number of wide pipes of services. Together they take an
	// eighth of what the system allows the pipes of a user to hold, before it makes
	// each further pipe smaller (pipe-user-pages-soft in pipe(7)).
	maxWide = 32
)

// widenInput widens the pipe of a service that prints much, and returns what to
// call when it has ended.
func (m *Mux) widenInput(source any) (end func()) {
	if m.wideInputs.Add(1) > maxWide || !widen(source, wideInput) {
		m.wideInputs.Add(-1)
		return func() {}
	}
	return func() { m.wideInputs.Add(-1) }
}

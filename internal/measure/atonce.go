package measure

import "context"

// atOnceKey is where a context keeps the one that AtOnce was given.
type atOnceKey struct{}

// AtOnce returns a context under which commands are killed, rather than asked
// to stop and waited for, as soon as kill ends: the second Ctrl-C. It ends
// when ctx does.
func AtOnce(ctx, kill context.Context) context.Context {
	return context.WithValue(ctx, atOnceKey{}, kill)
}

// atOnce has f called when what a context was given to kill at once ends, until
// the function that it returns is called.
func atOnce(ctx context.Context, f func()) (stop func() bool) {
	kill, ok := ctx.Value(atOnceKey{}).(context.Context)
	if !ok {
		return func() bool { return true }
	}
	return context.AfterFunc(kill, f)
}

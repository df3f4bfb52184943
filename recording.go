package pacer

// switched is an instrument that SetRecording turns off.
type switched interface{ turn(on bool) }

// SetRecording turns recording off, or on again, while the app runs: timers,
// values, rates and spans record nothing while it is off. Counters and gauges
// go on, for a level that missed a change would be wrong from then on.
//
// Nothing is lost of what was recorded. An operation costs about as much as one
// that is recorded in the first phase of a timer.
func (r *Recorder) SetRecording(on bool) {
	if r == nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.off.Store(!on)
	for _, known := range r.order {
		if s, ok := known.instrument.(switched); ok {
			s.turn(on)
		}
	}
}

// Recording tells whether the recorder records: not if it is nil, or was
// turned off by SetRecording.
func (r *Recorder) Recording() bool { return r != nil && !r.off.Load() }

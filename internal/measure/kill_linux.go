package measure

import "github.com/pacer-perf/pacer/internal/measure/helper"

// kill ends what runs, without waiting for it: execute hears that it ended, and
// takes no notice of the helper's answer.
func (r *Runner) kill() { r.say(helper.Kill, nil) }

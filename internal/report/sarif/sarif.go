// Package sarif says verdicts as SARIF 2.1.0, for code scanning: a result for
// each metric that needs a person.
//
// A measurement has no line of code. A result points at the line of the policy
// that decided, where there is one, else at the policy file.
package sarif

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/pacer-perf/pacer/internal/judge"
	"github.com/pacer-perf/pacer/internal/report"
)

const schema = "https://json.schemastore.org/sarif-2.1.0.json"

type log struct {
	Schema  string     `json:"$schema"`
	Version string     `json:"version"`
	Runs    []sarifRun `json:"runs"`
}

type sarifRun struct {
	Tool        tool           `json:"tool"`
	Automation  automation     `json:"automationDetails"`
	Invocations []invocation   `json:"invocations"`
	Results     []result       `json:"results"`
	Properties  map[string]any `json:"properties,omitempty"`
}

type tool struct {
	Driver driver `json:"driver"`
}

type driver struct {
	Name    string `json:"name"`
	Version string `json:"version,omitempty"`
	Rules   []rule `json:"rules"`
}

type rule struct {
	ID            string        `json:"id"`
	Name          string        `json:"name"`
	Short         message       `json:"shortDescription"`
	Configuration configuration `json:"defaultConfiguration"`
	Help          message       `json:"help"`
}

type configuration struct {
	Level string `json:"level"`
}

type message struct {
	Text string `json:"text"`
}

type automation struct {
	ID string `json:"id"`
}

type invocation struct {
	Successful bool    `json:"executionSuccessful"`
	Ended      string  `json:"endTimeUtc,omitempty"`
	Notes      []notif `json:"toolExecutionNotifications,omitempty"`
}

type notif struct {
	Level   string  `json:"level"`
	Message message `json:"message"`
}

type result struct {
	RuleID       string            `json:"ruleId"`
	RuleIndex    int               `json:"ruleIndex"`
	Level        string            `json:"level"`
	Kind         string            `json:"kind,omitempty"`
	Message      message           `json:"message"`
	Locations    []location        `json:"locations"`
	Fingerprints map[string]string `json:"partialFingerprints"`
	Suppressions []suppression     `json:"suppressions,omitempty"`
	Properties   map[string]any    `json:"properties,omitempty"`
}

type suppression struct {
	Kind          string `json:"kind"`
	Justification string `json:"justification,omitempty"`
}

type location struct {
	Physical physical  `json:"physicalLocation"`
	Logical  []logical `json:"logicalLocations"`
}

type physical struct {
	Artifact artifact `json:"artifactLocation"`
	Region   region   `json:"region"`
}

type artifact struct {
	URI string `json:"uri"`
}

type region struct {
	StartLine   int `json:"startLine"`
	StartColumn int `json:"startColumn,omitempty"`
}

type logical struct {
	Name string `json:"fullyQualifiedName"`
	Kind string `json:"kind"`
}

// rules are what a result can be about.
var rules = []rule{
	newRule("regressed", "Regressed", "A metric got worse than its baseline by more than its threshold.", "error"),
	newRule("over-budget", "OverBudget", "A metric is over its budget.", "error"),
	newRule("missing", "Missing", "A metric was not measured.", "warning"),
	newRule("inconclusive", "Inconclusive", "The samples cannot tell whether a metric changed.", "note"),
	newRule("incomparable", "Incomparable", "A metric cannot be compared with its baseline.", "note"),
}

func newRule(id, name, text, level string) rule {
	return rule{ID: id, Name: name, Short: message{text}, Configuration: configuration{level}, Help: message{text + " pacer why RUN METRIC shows how it was judged."}}
}

// Write writes the verdict as one run.
func Write(w io.Writer, r *report.Report) error {
	v := r.Verdict
	name, version, _ := strings.Cut(r.Tool, " ")
	if name == "" {
		name = "pacer"
	}
	out := sarifRun{
		Tool:        tool{driver{Name: name, Version: version, Rules: rules}},
		Automation:  automation{ID: "pacer/" + report.App(&v.Current) + "/"},
		Invocations: []invocation{{Successful: true}},
		Results:     []result{},
		Properties:  map[string]any{"verdict": v.Verdict, "run": v.Current.ID},
	}
	if !r.At.IsZero() {
		out.Invocations[0].Ended = r.At.UTC().Format("2006-01-02T15:04:05.000Z")
	}
	level := "warning"
	if report.FailsBeside(v) {
		level = "error"
	}
	for _, text := range report.OtherReasons(v) {
		out.Invocations[0].Notes = append(out.Invocations[0].Notes, notif{level, message{text}})
	}
	for _, text := range v.Warnings {
		out.Invocations[0].Notes = append(out.Invocations[0].Notes, notif{"note", message{text}})
	}
	metrics := report.ByGravity(v.Metrics)
	for i := range metrics {
		if m := &metrics[i]; report.NeedsPerson(m) || m.Accepted != nil || report.Status(m) == judge.OverTarget {
			out.Results = append(out.Results, resultOf(r, m))
		}
	}
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	return enc.Encode(log{Schema: schema, Version: "2.1.0", Runs: []sarifRun{out}})
}

func resultOf(r *report.Report, m *judge.Metric) result {
	about, level := report.Problem(m)
	index := 0
	for i := range rules {
		if rules[i].ID == about {
			index = i
		}
	}
	text := m.Key() + ": " + report.Change(m)
	if note := r.NoteOf(m); note != nil {
		text = strings.Join(append([]string{note.Lead}, note.More...), "\n")
	}
	place := report.PlaceOf(r.Verdict, m)
	hash := sha256.Sum256([]byte(about + "\x00" + m.Key() + "\x00" + m.Unit))
	out := result{
		RuleID: about, RuleIndex: index, Level: level, Message: message{text},
		Locations: []location{{
			Physical: physical{artifact{place.File}, region{place.Line, place.Column}},
			Logical:  []logical{{m.Key(), "metric"}},
		}},
		Fingerprints: map[string]string{"metric/v1": hex.EncodeToString(hash[:16])},
		Properties:   map[string]any{"metric": m.Key(), "unit": m.Unit, "change": m.Change},
	}
	if m.Ratio != nil {
		out.Properties["ratio"] = *m.Ratio
	}
	if m.Accepted != nil {
		out.Suppressions = []suppression{{"external", fmt.Sprintf("%s (it ends %s)", m.Accepted.Reason, m.Accepted.Until)}}
	}
	return out
}

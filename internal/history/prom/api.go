package prom

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/pacer-perf/pacer/internal/history"
)

// api asks an engine.
type api struct {
	base   string
	user   *url.Userinfo
	tenant string
	client *http.Client
}

// maxAnswer bounds what is read of an answer, in bytes.
const maxAnswer = 256 << 20

// series is one series of an answer.
type series struct {
	Metric     map[string]string   `json:"metric"`
	Values     [][2]any            `json:"values"`
	Histograms [][]json.RawMessage `json:"histograms"`
}

// native is a native histogram as the API writes it.
type native struct {
	Count   string  `json:"count"`
	Sum     string  `json:"sum"`
	Buckets [][]any `json:"buckets"` // kind of bounds, low, high, count
}

// rangeOf evaluates an expression at moments that lie a step apart.
func (a *api) rangeOf(ctx context.Context, expression string, from, to time.Time, step time.Duration) ([]series, error) {
	var data struct {
		Type   string   `json:"resultType"`
		Result []series `json:"result"`
	}
	err := a.get(ctx, "/api/v1/query_range", url.Values{
		"query": {expression}, "start": {stamp(from)}, "end": {stamp(to)}, "step": {strconv.FormatFloat(step.Seconds(), 'f', -1, 64)},
		"nocache": {"1"}, // VictoriaMetrics: also what arrived just now
	}, &data)
	return data.Result, err
}

// find returns the labels of the series that a selector selects.
func (a *api) find(ctx context.Context, selector string, from, to time.Time) (list []map[string]string, err error) {
	err = a.get(ctx, "/api/v1/series", url.Values{"match[]": {selector}, "start": {stamp(from)}, "end": {stamp(to)}}, &list)
	return list, err
}

func stamp(t time.Time) string { return strconv.FormatInt(t.Unix(), 10) }

// get asks, by POST because queries may be long, and decodes the data.
func (a *api) get(ctx context.Context, path string, form url.Values, data any) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, a.base+path, strings.NewReader(form.Encode()))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if a.user != nil {
		password, _ := a.user.Password()
		req.SetBasicAuth(a.user.Username(), password)
	}
	if a.tenant != "" {
		req.Header.Set("X-Scope-OrgID", a.tenant)
	}
	resp, err := a.client.Do(req)
	if err != nil {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		var failed *url.Error
		if errors.As(err, &failed) {
			err = failed.Err // without the URL
		}
		return fmt.Errorf("%w: %w", history.ErrUnavailable, err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer+1))
	switch {
	case err != nil:
		return fmt.Errorf("%w: %w", history.ErrUnavailable, err)
	case len(body) > maxAnswer:
		return fmt.Errorf("the answer is larger than %d MiB: make step larger or since smaller", maxAnswer>>20)
	}
	var answer struct {
		Status  string          `json:"status"`
		Error   string          `json:"error"`
		Partial bool            `json:"isPartial"`
		Data    json.RawMessage `json:"data"`
	}
	if err := json.Unmarshal(body, &answer); err != nil || answer.Status != "success" {
		said := answer.Error
		if said == "" {
			said = strings.TrimSpace(string(body[:min(len(body), 200)]))
		}
		switch {
		case resp.StatusCode >= 500, resp.StatusCode == http.StatusTooManyRequests:
			return fmt.Errorf("%w: %s: %s", history.ErrUnavailable, resp.Status, said)
		case resp.StatusCode == http.StatusOK:
			return fmt.Errorf("this is not the API of Prometheus: %s", said)
		}
		return fmt.Errorf("%s: %s", resp.Status, said)
	}
	if answer.Partial {
		return fmt.Errorf("%w: the engine answers in part, for some of its nodes are away", history.ErrUnavailable)
	}
	return json.Unmarshal(answer.Data, data)
}

// number reads a sample, [time, "value"].
func number(v [2]any) (at time.Time, value float64, err error) {
	seconds, ok := v[0].(float64)
	text, isText := v[1].(string)
	if !ok || !isText {
		return at, 0, errors.New("a sample is not [time, \"value\"]")
	}
	value, err = strconv.ParseFloat(text, 64)
	return moment(seconds), value, err
}

func moment(seconds float64) time.Time { return time.Unix(int64(math.Round(seconds)), 0).UTC() }

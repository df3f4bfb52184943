package dashboard

import "net/http"

// export makes a document of the verdict that the address asks for.
func (h *Handler) export(w http.ResponseWriter, r *http.Request, e Export) error {
	v, err := h.view(r)
	if err != nil {
		return err
	}
	head, ok, err := h.newest(r.Context(), &v)
	if err != nil {
		return err
	}
	if !ok {
		return &problem{status: http.StatusNotFound, Title: "No run to export", Text: "Nothing was measured yet, or the filter matches nothing."}
	}
	verdict, err := h.Source.Verdict(r.Context(), head.ID, v.Query.Get("base"))
	if err != nil {
		return err
	}
	current, err := h.Source.Run(r.Context(), head.ID)
	if err != nil {
		return err
	}
	return e.Write(r.Context(), w, Document{Verdict: verdict, Current: current, Source: h.Source})
}

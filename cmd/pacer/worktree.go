package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// workTree is another commit of the repository of the working folder, checked
// out beside it for a while.
type workTree struct {
	root   string // of the repository
	ref    string // as it was asked for
	holder string // the folder that was made for it
	dir    string // its own root
	prefix string // of the working folder in the repository
	commit string
	branch string // that the ref is of; empty: another kind of ref
}

// treePrefix begins the names of the folders that hold work trees, which end
// with the process that made them.
const treePrefix = "pacer-ref-"

// checkOut checks a ref out.
func checkOut(ctx context.Context, ref string) (*workTree, error) {
	t, err := findRef(ctx, ref)
	if err != nil {
		return nil, err
	}
	if err := t.checkOut(ctx); err != nil {
		return nil, err
	}
	return t, nil
}

// findRef finds the commit that a ref names. Nothing is checked out yet.
func findRef(ctx context.Context, ref string) (*workTree, error) {
	if _, err := exec.LookPath("git"); err != nil {
		return nil, hint(errors.New("--ref: git is not installed"), "compare two commands: --exec 'BASE COMMAND' 'CURRENT COMMAND'")
	}
	root, err := git(ctx, "rev-parse", "--show-toplevel")
	if err != nil {
		return nil, hint(fmt.Errorf("--ref %s: %w", ref, err), "call it inside the repository")
	}
	t := &workTree{root: root, ref: ref}
	if t.prefix, err = git(ctx, "rev-parse", "--show-prefix"); err != nil {
		return nil, err
	}
	if t.commit, err = git(ctx, "rev-parse", "--quiet", "--verify", "--end-of-options", ref+"^{commit}"); err != nil {
		return nil, hint(fmt.Errorf("--ref %s: there is no such commit, branch or tag here", ref), "see what there is: git branch --all; in a shallow clone, git fetch first")
	}
	if full, err := git(ctx, "rev-parse", "--symbolic-full-name", ref); err == nil {
		name, isBranch := strings.CutPrefix(full, "refs/heads/")
		if !isBranch {
			if name, isBranch = strings.CutPrefix(full, "refs/remotes/"); isBranch {
				_, name, _ = strings.Cut(name, "/")
			}
		}
		if isBranch {
			t.branch = name
		}
	}
	return t, nil
}

// checkOut checks the commit out into a folder of its own, outside of the
// repository: tools that look for their configuration upwards must not find
// this one's. What killed processes left behind is removed, and so is what it
// made itself if it fails.
func (t *workTree) checkOut(ctx context.Context) (err error) {
	// A hook's word for its own repository is not for what is executed in
	// another tree.
	for _, name := range []string{"GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX"} {
		os.Unsetenv(name)
	}
	removeStale(ctx, t.root)
	if t.holder, err = os.MkdirTemp("", fmt.Sprintf("%s%d-", treePrefix, os.Getpid())); err != nil {
		return err
	}
	t.dir = filepath.Join(t.holder, filepath.Base(t.root))
	if _, err := git(ctx, "-C", t.root, "worktree", "add", "--quiet", "--detach", t.dir, t.commit); err != nil {
		t.remove()
		if ctx.Err() != nil {
			return ctx.Err()
		}
		return fmt.Errorf("--ref %s: git worktree: %w", t.ref, err)
	}
	if _, err := os.Stat(t.path("")); err != nil {
		t.remove()
		return hint(fmt.Errorf("--ref %s: there is no folder %s in it", t.ref, t.prefix), "call it in a folder that both sides have")
	}
	return nil
}

// path returns where a path as seen from the working folder is in the tree. An
// absolute one is the same everywhere.
func (t *workTree) path(name string) string {
	if filepath.IsAbs(name) {
		return name
	}
	return filepath.Join(t.dir, filepath.FromSlash(t.prefix), name)
}

// remove removes the tree, whether or not the user has had enough: nothing else
// of the repository is touched.
func (t *workTree) remove() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	dropTree(ctx, t.root, t.dir, t.holder)
}

func dropTree(ctx context.Context, root, dir, holder string) {
	git(ctx, "-C", root, "worktree", "remove", "--force", "--force", dir)
	os.RemoveAll(holder)
	git(ctx, "-C", root, "worktree", "prune")
}

// removeStale removes the trees of processes that are gone.
func removeStale(ctx context.Context, root string) {
	list, err := git(ctx, "-C", root, "worktree", "list", "--porcelain")
	if err != nil {
		return
	}
	for line := range strings.Lines(list) {
		dir, ok := strings.CutPrefix(strings.TrimSpace(line), "worktree ")
		holder := filepath.Dir(filepath.FromSlash(dir))
		rest, ours := strings.CutPrefix(filepath.Base(holder), treePrefix)
		pid, _, _ := strings.Cut(rest, "-")
		n, err := strconv.Atoi(pid)
		if ok && ours && err == nil && !alive(n) {
			dropTree(ctx, root, dir, holder)
		}
	}
}

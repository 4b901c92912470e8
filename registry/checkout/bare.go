package checkout

// IsBare reports whether dir lies in a worktree of a bare repository.
func IsBare(dir string) bool {
	dir, err := resolve(dir)
	if err != nil {
		return false
	}
	repo := findRepository(dir)
	return repo.worktree != "" && repo.config().bare
}

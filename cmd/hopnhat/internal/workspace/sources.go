package workspace

func (r *reader) source(s Source) {}

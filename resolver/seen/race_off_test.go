//go:build !race

package seen

const raced = false

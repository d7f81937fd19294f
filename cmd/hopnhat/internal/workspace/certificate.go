package workspace

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"gialai.gov.vn/hopnhat/zones/proof"
)

// CertificateFile is where a workspace keeps what was proved of it.
const CertificateFile = "certificate.json"

// ErrNoCertificate is a workspace that was not certified.
var ErrNoCertificate = errors.New("there is no " + CertificateFile + "; make one with hopnhat prove --certify")

// Certificate reads the workspace's certificate.
func (w *Workspace) Certificate() (proof.Certificate, error) {
	c, err := ReadCertificate(filepath.Join(w.Root, CertificateFile))
	if errors.Is(err, fs.ErrNotExist) {
		return c, fmt.Errorf("%s: %w", w.Dir, ErrNoCertificate)
	}
	return c, err
}

// ReadCertificate reads a certificate of at most maxFile octets.
func ReadCertificate(file string) (proof.Certificate, error) {
	dir, name := filepath.Split(file)
	if dir == "" {
		dir = "."
	}
	b, err := readFile(os.DirFS(dir), name)
	if err != nil {
		return proof.Certificate{}, err
	}
	if len(b) > maxFile {
		return proof.Certificate{}, fmt.Errorf("%s: %w: larger than %d octets", file, proof.ErrCertificate, maxFile)
	}
	c, err := proof.ParseCertificate(b)
	if err != nil {
		return c, fmt.Errorf("%s: %w", file, err)
	}
	return c, nil
}

// WriteCertificate puts a certificate into the workspace, whole or not at all,
// and returns the file.
func (w *Workspace) WriteCertificate(c proof.Certificate) (string, error) {
	if err := WriteFile(filepath.Join(w.Root, CertificateFile), c.JSON()); err != nil {
		return "", err
	}
	return filepath.Join(w.Dir, CertificateFile), nil
}

package pki

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"slices"
	"time"
)

const (
	authorityLife   = 10 * 365 * 24 * time.Hour
	certificateLife = 365 * 24 * time.Hour
	// renewBefore is longer than anybody lets a lab run.
	renewBefore = 30 * 24 * time.Hour
	// backdate makes certificates valid on machines whose clock is a little behind, or is set back.
	backdate = 24 * time.Hour
)

// directory is where certificates and keys are kept.
type directory struct {
	path string
	now  func() time.Time
}

func (d directory) pair(name string) Pair {
	return Pair{CertFile: filepath.Join(d.path, name+".crt"), KeyFile: filepath.Join(d.path, name+".key")}
}

// authority returns the authority that is kept under name, and names its files in pair.
func (d directory) authority(pair *Pair, name, commonName string) (*authority, error) {
	*pair = d.pair(name)
	cert, key, err := read(*pair)
	if err != nil {
		return nil, err
	}
	if cert != nil && cert.IsCA && cert.Subject.CommonName == commonName && d.valid(cert) {
		return &authority{cert, key}, nil
	}
	template := &x509.Certificate{
		Subject:               pkix.Name{CommonName: commonName},
		NotAfter:              d.now().Add(authorityLife),
		KeyUsage:              x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
		BasicConstraintsValid: true,
		IsCA:                  true,
	}
	cert, key, err = d.issue(*pair, template, nil)
	if err != nil {
		return nil, err
	}
	return &authority{cert, key}, nil
}

// certificate makes r's certificate unless the one that is kept will do.
func (d directory) certificate(r request) error {
	*r.pair = d.pair(r.fileName)
	cert, _, err := read(*r.pair)
	if err != nil {
		return err
	}
	if cert != nil && d.valid(cert) && r.leaf.describes(cert) && cert.CheckSignatureFrom(r.signer.cert) == nil {
		return nil
	}
	_, _, err = d.issue(*r.pair, &x509.Certificate{
		Subject:     pkix.Name{CommonName: r.leaf.name, Organization: r.leaf.groups},
		DNSNames:    r.leaf.dns,
		IPAddresses: r.leaf.addresses,
		NotAfter:    d.now().Add(certificateLife),
		KeyUsage:    x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{r.leaf.usage},
	}, r.signer)
	return err
}

// describes reports whether cert says what l wants it to.
func (l leaf) describes(cert *x509.Certificate) bool {
	return cert.Subject.CommonName == l.name &&
		slices.Equal(cert.Subject.Organization, l.groups) &&
		slices.Equal(cert.DNSNames, l.dns) &&
		slices.EqualFunc(cert.IPAddresses, l.addresses, net.IP.Equal) &&
		slices.Equal(cert.ExtKeyUsage, []x509.ExtKeyUsage{l.usage})
}

func (d directory) valid(cert *x509.Certificate) bool {
	now := d.now()
	return !now.Before(cert.NotBefore) && now.Add(renewBefore).Before(cert.NotAfter)
}

// issue makes a key and a certificate for it after template, signed by signer or, when that is nil, by itself.
func (d directory) issue(pair Pair, template *x509.Certificate, signer *authority) (*x509.Certificate, *ecdsa.PrivateKey, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, nil, fmt.Errorf("making a key: %w", err)
	}
	template.NotBefore = d.now().Add(-backdate)
	if template.SerialNumber, err = rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 126)); err != nil {
		return nil, nil, fmt.Errorf("making a serial number: %w", err)
	}
	if signer == nil {
		signer = &authority{template, key}
	}
	der, err := x509.CreateCertificate(rand.Reader, template, signer.cert, key.Public(), signer.key)
	if err != nil {
		return nil, nil, fmt.Errorf("signing the certificate of %s: %w", template.Subject.CommonName, err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, nil, fmt.Errorf("reading the certificate of %s: %w", template.Subject.CommonName, err)
	}
	// The key goes first: a certificate with the key of its predecessor is found damaged the next time.
	if err := writeKey(pair.KeyFile, key); err != nil {
		return nil, nil, err
	}
	block := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	if err := writeFile(pair.CertFile, block); err != nil {
		return nil, nil, fmt.Errorf("keeping a certificate: %w", err)
	}
	return cert, key, nil
}

// key returns the file of a key that is kept under name; it is made when there is none that can be read.
func (d directory) key(name string) (string, error) {
	file := filepath.Join(d.path, name+".key")
	raw, err := readPrivate(file)
	if err != nil {
		return "", err
	}
	if parseKey(raw) != nil {
		return file, nil
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return "", fmt.Errorf("making a key: %w", err)
	}
	return file, writeKey(file, key)
}

// read returns what is kept in a pair of files, nils when that is missing or damaged. The error is for what cannot be
// mended by making the pair anew.
func read(p Pair) (*x509.Certificate, *ecdsa.PrivateKey, error) {
	rawCert, err := readPrivate(p.CertFile)
	if err != nil {
		return nil, nil, err
	}
	rawKey, err := readPrivate(p.KeyFile)
	if err != nil {
		return nil, nil, err
	}
	block, _ := pem.Decode(rawCert)
	key := parseKey(rawKey)
	if block == nil || key == nil {
		return nil, nil, nil
	}
	cert, err := x509.ParseCertificate(block.Bytes)
	if err != nil || !key.PublicKey.Equal(cert.PublicKey.(crypto.PublicKey)) {
		return nil, nil, nil
	}
	return cert, key, nil
}

// readPrivate returns a file's content, nothing when there is no such file, and takes away others' access to it.
func readPrivate(file string) ([]byte, error) {
	info, err := os.Stat(file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err == nil && info.Mode().Perm()&0o077 != 0 {
		err = os.Chmod(file, 0o600)
	}
	if err != nil {
		return nil, fmt.Errorf("checking a certificate's file: %w", err)
	}
	raw, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("reading a certificate or key: %w", err)
	}
	return raw, nil
}

func parseKey(raw []byte) *ecdsa.PrivateKey {
	block, _ := pem.Decode(raw)
	if block == nil {
		return nil
	}
	key, err := x509.ParseECPrivateKey(block.Bytes)
	if err != nil {
		return nil
	}
	return key
}

func writeKey(file string, key *ecdsa.PrivateKey) error {
	der, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		return fmt.Errorf("encoding a key: %w", err)
	}
	if err := writeFile(file, pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: der})); err != nil {
		return fmt.Errorf("keeping a key: %w", err)
	}
	return nil
}

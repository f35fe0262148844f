package pki

import (
	"fmt"
	"os"

	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/client-go/tools/clientcmd/api"
)

// clusterName is the name of the cluster and the context in kubeconfigs.
const clusterName = "kubestep"

// WriteKubeconfig writes a kubeconfig with which the user of the client certificate reaches the API server at the given
// URL ("https://127.0.0.1:6443"). Certificates and key are copied into it, so that the file can be handed around; it has
// mode 0600 and is replaced in one piece.
func WriteKubeconfig(file, server string, ca Pair, user string, client Pair) error {
	config := api.NewConfig()
	cluster, auth, kubeContext := api.NewCluster(), api.NewAuthInfo(), api.NewContext()
	for _, part := range []struct {
		from string
		to   *[]byte
	}{
		{ca.CertFile, &cluster.CertificateAuthorityData},
		{client.CertFile, &auth.ClientCertificateData},
		{client.KeyFile, &auth.ClientKeyData},
	} {
		raw, err := os.ReadFile(part.from)
		if err != nil {
			return fmt.Errorf("writing a kubeconfig for %s: %w", user, err)
		}
		*part.to = raw
	}
	cluster.Server = server
	kubeContext.Cluster, kubeContext.AuthInfo = clusterName, user
	config.Clusters[clusterName] = cluster
	config.AuthInfos[user] = auth
	config.Contexts[clusterName] = kubeContext
	config.CurrentContext = clusterName
	raw, err := clientcmd.Write(*config)
	if err != nil {
		return fmt.Errorf("encoding a kubeconfig for %s: %w", user, err)
	}
	if err := writeFile(file, raw); err != nil {
		return fmt.Errorf("writing a kubeconfig for %s: %w", user, err)
	}
	return nil
}

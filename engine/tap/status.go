package tap

import (
	"bytes"
	"encoding/json"

	"google.golang.org/protobuf/encoding/protowire"
)

// protobufMagic begins an object in Kubernetes' protobuf encoding.
var protobufMagic = []byte("k8s\x00")

// statusMessage returns the message of a metav1.Status, empty when raw is none.
func statusMessage(raw []byte) string {
	if !bytes.HasPrefix(raw, protobufMagic) {
		var s struct {
			Kind    string `json:"kind"`
			Message string `json:"message"`
		}
		if json.Unmarshal(raw, &s) != nil || s.Kind != "Status" {
			return ""
		}
		return s.Message
	}
	// runtime.Unknown: 2 raw; metav1.Status: 3 message.
	return string(bytesField(bytesField(raw[len(protobufMagic):], 2), 3))
}

// bytesField returns the first length-delimited field num of a protobuf message, nil when there is none.
func bytesField(msg []byte, num protowire.Number) []byte {
	for len(msg) > 0 {
		n, typ, size := protowire.ConsumeTag(msg)
		if size < 0 {
			return nil
		}
		msg = msg[size:]
		if n == num && typ == protowire.BytesType {
			value, _ := protowire.ConsumeBytes(msg)
			return value
		}
		if size = protowire.ConsumeFieldValue(n, typ, msg); size < 0 {
			return nil
		}
		msg = msg[size:]
	}
	return nil
}

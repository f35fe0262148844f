package wire

import "google.golang.org/protobuf/encoding/protowire"

// Field numbers are those of the generated.proto files of k8s.io/apimachinery and k8s.io/api, which never change.

// fields calls f for each length-delimited field of msg, and with a nil value for each other one. It returns false when
// msg is not protobuf.
func fields(msg []byte, f func(num protowire.Number, value []byte)) bool {
	for len(msg) > 0 {
		num, typ, n := protowire.ConsumeTag(msg)
		if n < 0 {
			return false
		}
		msg = msg[n:]
		if typ == protowire.BytesType {
			value, n := protowire.ConsumeBytes(msg)
			if n < 0 {
				return false
			}
			msg = msg[n:]
			f(num, value)
			continue
		}
		if n = protowire.ConsumeFieldValue(num, typ, msg); n < 0 {
			return false
		}
		msg = msg[n:]
		f(num, nil)
	}
	return true
}

// readProtobuf reads a runtime.Unknown: 1 typeMeta, 2 raw.
func readProtobuf(unknown []byte) (m Meta, ok bool) {
	var object []byte
	ok = fields(unknown, func(num protowire.Number, value []byte) {
		switch num {
		case 1:
			fields(value, func(num protowire.Number, value []byte) {
				switch num {
				case 1:
					m.APIVersion = string(value)
				case 2:
					m.Kind = string(value)
				}
			})
		case 2:
			object = value
		}
	})
	if !ok || m.Kind == "" || plain(m.Kind) {
		return m, ok && m.Kind != ""
	}
	about := involvedIn(m.APIVersion, m.Kind)
	ok = fields(object, func(num protowire.Number, value []byte) {
		if num == 1 {
			m.readMetadata(value)
			return
		}
		if about != nil {
			about(&m, num, value)
		}
	})
	return m, ok
}

// readMetadata reads an ObjectMeta.
func (m *Meta) readMetadata(msg []byte) {
	fields(msg, func(num protowire.Number, value []byte) {
		switch num {
		case 1:
			m.Name = string(value)
		case 2:
			m.GenerateName = string(value)
		case 3:
			m.Namespace = string(value)
		case 5:
			m.UID = string(value)
		case 6:
			m.ResourceVersion = string(value)
		case 9:
			m.Terminating = true
		case 13:
			if uid := stringField(value, 4); uid != "" {
				m.Owners = append(m.Owners, uid)
			}
		}
	})
}

// stringField returns the string field num of msg.
func stringField(msg []byte, num protowire.Number) (s string) {
	fields(msg, func(n protowire.Number, value []byte) {
		if n == num {
			s = string(value)
		}
	})
	return s
}

func (m *Meta) involve(reference []byte) {
	if uid := stringField(reference, 4); uid != "" { // ObjectReference and BoundObjectReference agree
		m.Involved = append(m.Involved, uid)
	}
}

// involvedIn returns what reads the references in a kind's other fields, nil when it has none that matter.
func involvedIn(apiVersion, kind string) func(m *Meta, num protowire.Number, value []byte) {
	switch kind {
	case "Event":
		involvedObject := protowire.Number(2)
		if apiVersion != "v1" { // events.k8s.io: regarding
			involvedObject = 8
		}
		return func(m *Meta, num protowire.Number, value []byte) {
			if num == involvedObject {
				m.involve(value)
			}
		}
	case "EndpointSlice":
		return func(m *Meta, num protowire.Number, value []byte) {
			if num == 2 {
				m.involveTarget(value, 4)
			}
		}
	case "Endpoints":
		return func(m *Meta, num protowire.Number, subset []byte) {
			if num != 2 {
				return
			}
			fields(subset, func(num protowire.Number, address []byte) {
				if num == 1 || num == 2 {
					m.involveTarget(address, 2)
				}
			})
		}
	case "TokenRequest":
		return func(m *Meta, num protowire.Number, spec []byte) {
			if num == 2 {
				m.involveTarget(spec, 3)
			}
		}
	}
	return nil
}

// involveTarget takes the reference that is field num of msg.
func (m *Meta) involveTarget(msg []byte, num protowire.Number) {
	fields(msg, func(n protowire.Number, value []byte) {
		if n == num {
			m.involve(value)
		}
	})
}

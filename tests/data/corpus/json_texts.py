# SPDX-License-Identifier: LGPL-2.1-or-later
"""JSON texts that no parser may take (n), every parser must take (y), and that it may settle (i): rules J."""

from corpus.case import Case

REFUSED = {
    "empty": b"", "space-only": b" ", "nul": b"\0", "bom": b"\xef\xbb\xbf{}", "bom-only": b"\xef\xbb\xbf", "utf16-le": b"\xff\xfe{\0}\0", "utf16-be": b"\0{\0}",
    "array-open": b"[", "array-open-value": b"[1", "array-open-comma": b"[1,", "array-close": b"]", "array-comma": b"[,]", "array-double-comma": b"[1,,2]",
    "array-comma-first": b"[,1]", "array-trailing-comma": b"[1,]", "array-two-trailing": b"[1,,]", "array-colon": b"[1:2]", "array-no-comma": b"[1 2]",
    "array-inner-open": b"[[1]", "array-inner-close": b"[1]]", "array-closed-by-brace": b"[1}", "array-newlines-open": b"[1,\n1\n,1", "array-star": b"[*]",
    "array-and-comma": b"[1],", "array-and-value": b"[1]1", "array-vertical-tab": b"[\x0b]", "array-form-feed": b"[\x0c]", "array-nbsp": b"[\xc2\xa0]",
    "array-unicode-space": b"[\xe2\x81\xa0]", "array-backslash": b"[\\n]", "array-invalid-utf8": b"[\xff]", "array-letter": b"[a]", "array-quoted-single": b"['a']",
    "object-open": b"{", "object-open-key": b'{"a"', "object-open-colon": b'{"a":', "object-open-value": b'{"a":1', "object-open-comma": b'{"a":1,',
    "object-close": b"}", "object-comma": b"{,}", "object-trailing-comma": b'{"a":1,}', "object-two-commas": b'{"a":1,,"b":2}', "object-no-colon": b'{"a" 1}',
    "object-double-colon": b'{"a"::1}', "object-no-value": b'{"a":}', "object-no-key": b"{:1}", "object-bare-key": b"{a:1}", "object-number-key": b"{1:1}",
    "object-single-quotes": b"{'a':1}", "object-null-key": b"{null:1}", "object-bracket-key": b"{[:1}", "object-closed-by-bracket": b'{"a":1]',
    "object-comma-for-colon": b'{"a",1}', "object-semicolon": b'{"a":1;"b":2}', "object-comment": b'{"a":1/**/}', "object-line-comment": b'{"a":1}//x',
    "object-hash-comment": b'{"a":1}#x', "object-two": b"{}{}", "object-garbage": b"{}x", "object-emoji-key": b"{\xf0\x9f\x87\xa8:1}", "object-slash": b'{"a":1}/',
    "string-open": b'"', "string-open-text": b'"abc', "string-single": b"'a'", "string-backslash-open": b'"\\', "string-escape-x": b'"\\x41"', "string-escape-0": b'"\\0"',
    "string-escape-quote": b'"\\\'"', "string-escape-newline": b'"\\\n"', "string-escape-a": b'"\\a"', "string-escape-utf8": b'"\\\xc3\xa9"', "string-u-open": b'"\\u',
    "string-u-1": b'"\\u1"', "string-u-3": b'"\\u123"', "string-u-letter": b'"\\u12G4"', "string-u-capital": b'"\\U0041"', "string-u-space": b'"\\u 041"',
    "string-u-sign": b'"\\u-041"', "string-raw-newline": b'"a\nb"', "string-raw-tab": b'"a\tb"', "string-raw-nul": b'"a\0b"', "string-raw-unit-separator": b'"\x1f"',
    "string-lone-high": b'"\\ud800"', "string-lone-low": b'"\\udc00"', "string-high-and-letter": b'"\\ud800a"', "string-high-high": b'"\\ud800\\ud800"',
    "string-high-and-escape": b'"\\ud800\\n"', "string-low-high": b'"\\udc00\\ud800"', "string-high-and-half": b'"\\ud800\\u"', "string-high-at-end": b'"\\udbff',
    "string-invalid-byte": b'"\xff"', "string-lone-continuation": b'"\x80"', "string-overlong-2": b'"\xc0\x80"', "string-overlong-3": b'"\xe0\x80\x80"',
    "string-overlong-4": b'"\xf0\x80\x80\x80"', "string-surrogate-utf8": b'"\xed\xa0\x80"', "string-beyond-unicode": b'"\xf4\x90\x80\x80"', "string-five-bytes": b'"\xf8\x88\x80\x80\x80"',
    "string-cut-sequence": b'"\xe2\x82"', "string-latin1": b'"\xe9"', "string-and-garbage": b'"a"x', "string-two": b'"a""b"', "string-long": b'"' + b"a" * (1 << 20) + b'a"',
    "number-plus": b"[+1]", "number-minus": b"[-]", "number-minus-letter": b"[-a]", "number-double-minus": b"[--1]", "number-leading-zero": b"[012]",
    "number-minus-zero-digit": b"[-012]", "number-zeros": b"[00]", "number-point-first": b"[.5]", "number-point-last": b"[5.]", "number-minus-point": b"[-.5]",
    "number-two-points": b"[1.2.3]", "number-e": b"[1e]", "number-e-plus": b"[1e+]", "number-e-minus": b"[1e-]", "number-e-first": b"[e1]", "number-e-twice": b"[1e1e1]",
    "number-point-e": b"[1.e1]", "number-zero-point-e": b"[0.e1]", "number-e-real": b"[1e1.5]", "number-capital-e": b"[1E]", "number-hexadecimal": b"[0x1F]",
    "number-octal": b"[0o17]", "number-binary": b"[0b1]", "number-underscore": b"[1_000]", "number-letter": b"[1a]", "number-suffix": b"[1.0f]", "number-space": b"[1 000]",
    "number-nan": b"[NaN]", "number-minus-nan": b"[-NaN]", "number-infinity": b"[Infinity]", "number-minus-infinity": b"[-Infinity]", "number-inf": b"[inf]",
    "number-full-width": b"[\xef\xbc\x91]", "number-65-digits": b"[" + b"1" * 65 + b"]", "number-million-digits": b"[" + b"1" * 1000000 + b"]",
    "number-real-129": b"[0." + b"1" * 127 + b"]", "number-expression": b"[1+2]", "number-minus-space": b"[- 1]", "number-exponent-space": b"[1 e1]",
    "word-capital": b"[True]", "word-all-capitals": b"[NULL]", "word-cut-true": b"[tru]", "word-cut-false": b"[fals]", "word-cut-null": b"[nul]", "word-longer": b"[nulll]",
    "word-glued": b"[truefalse]", "word-undefined": b"[undefined]", "word-at-end": b"tru", "word-and-digit": b"[true1]", "word-python": b"[None]",
    "key-duplicate": b'{"a":1,"a":2}', "key-duplicate-escaped": b'{"a":1,"\\u0061":2}', "key-duplicate-nested": b'[{"b":{"a":1,"a":1}}]', "key-duplicate-empty": b'{"":1,"":2}',
    "key-duplicate-surrogates": b'{"\xf0\x9f\x98\x80":1,"\\ud83d\\ude00":2}', "key-nul": b'{"\\u0000":1}', "key-nul-inside": b'{"a\\u0000b":1}',
    "depth-17": b"[" * 17 + b"]" * 17, "depth-17-objects": b'{"a":' * 17 + b"1" + b"}" * 17, "depth-100000": b"[" * 100000 + b"]" * 100000, "depth-open": b"[" * 100000,
    "depth-objects-open": b'{"a":' * 100000, "depth-mixed": b'[{"a":' * 50000,
    "after-comma": b"1,", "after-bracket": b"1]", "after-nul": b"1\0", "after-comment": b"[1] // x", "after-second": b"1 2", "after-form-feed": b"[]\x0c",
}

ACCEPTED = {
    "object-empty": b"{}", "array-empty": b"[]", "root-number": b"42", "root-negative": b"-0.1", "root-string": b'"a"', "root-empty-string": b'""', "root-true": b"true",
    "root-false": b"false", "root-null": b"null", "space-around": b" \t\r\n[] \t\r\n", "newline-last": b'["a"]\n', "array-null": b"[null]", "array-nested": b"[[]   ]",
    "array-mixed": b'[null, 1, "1", {}]', "array-of-several-null": b"[1,null,null,null,2]", "array-space": b" [1]", "depth-16": b"[" * 16 + b"]" * 16,
    "object-simple": b'{"a":[]}', "object-empty-key": b'{"":0}', "object-two": b'{"a":"b","c":"d"}', "object-escaped-key": b'{"\\u0061":1,"b":2}', "object-long-keys": b'{"' + b"x" * 40 + b'":[{"id":"' + b"x" * 40 + b'"}]}',
    "object-newlines": b'{\n"a":"b"\n}', "object-same-value": b'{"a":1,"b":1}', "object-case": b'{"a":1,"A":2}', "object-utf8-key": b'{"\xc3\xa9\xe5\x90\x8d":1}',
    "number-0": b"[0]", "number-minus-0": b"[-0]", "number-minus-0-point": b"[-0.0]", "number-e": b"[0e1]", "number-e-plus": b"[0e+1]", "number-capital-e": b"[1E22]",
    "number-e-minus": b"[1E-2]", "number-real-e": b"[123.456e78]", "number-real": b"[123.456789]", "number-20e1": b"[20e1]", "number-64-digits": b"[" + b"1" * 64 + b"]",
    "number-max": b"[9223372036854775807]", "number-min": b"[-9223372036854775808]", "number-beyond-64": b"[9223372036854775808,-9223372036854775809,1]",
    "number-close-to-zero": b"[-0." + b"0" * 77 + b"1]", "number-space-after": b"[4 ]", "number-no-limit": b'{"model_max_length": 1000000000000000019884624838656}',
    "string-escapes": b'["\\"\\\\\\/\\b\\f\\n\\r\\t"]', "string-u": b'["\\u0060\\u012a\\u12AB"]', "string-pair": b'["\\uD801\\udc37"]', "string-two-pairs": b'["\\ud83d\\ude39\\ud83d\\udc8d"]',
    "string-last-pair": b'["\\uDBFF\\uDFFF"]', "string-u-nul": b'["\\u0000"]', "string-noncharacter": b'["\\uFFFF\\uFDD0"]', "string-noncharacter-utf8": b'["\xef\xbf\xbf"]',
    "string-delete": b'["\x7f"]', "string-1-byte": b'["$"]', "string-2-bytes": b'["\xc2\xa2"]', "string-3-bytes": b'["\xe2\x82\xac"]', "string-4-bytes": b'["\xf0\x90\x8d\x88"]',
    "string-last-4-bytes": b'["\xf4\x8f\xbf\xbf"]', "string-bom-inside": b'["\xef\xbb\xbf"]', "string-line-separator": b'["\xe2\x80\xa8\xe2\x80\xa9"]', "string-comment": b'["a/*b*/c//d"]',
    "string-backslash-u-text": b'["\\\\u0000"]', "string-quote-last": b'["\\""]', "string-space": b'" "', "string-one-megabyte": b'"' + b"a" * (1 << 20) + b'"', "string-reserved": b'["\xee\x80\x80"]',
}

SETTLED = {
    "number-huge-exponent": b"[1e400]", "number-minus-huge-exponent": b"[-1e400]", "number-tiny": b"[1e-400]", "number-exponent-digits": b"[0.4e" + b"0" * 30 + b"6]",
    "number-real-overflow": b"[1" + b"0" * 60 + b".5e300]", "many-arrays": b"[" + b"[]," * 349000 + b"[]]", "many-objects": b"[" + b"{}," * 349000 + b"{}]",
    "many-strings": b"[" + b'"",' * 349000 + b'""]', "many-numbers": b"[" + b"1," * 520000 + b"1]", "many-keys": b"{" + b",".join(b'"%d":1' % i for i in range(90000)) + b"}",
    "many-words": b"[" + b"null," * 200000 + b"null]",
}


def cases():
    for name, text in REFUSED.items():
        yield Case("J-n-" + name, "json", {"doc.json": text}, "JSON")
    for name, text in ACCEPTED.items():
        yield Case("J-y-" + name, "json", {"doc.json": text}, "OK")
    for name, text in SETTLED.items():
        yield Case("J-i-" + name, "json", {"doc.json": text}, "ANY")

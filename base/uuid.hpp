#pragma once

#include <string>

namespace base {

/// A random version-4 UUID in lower-case text, as Lambda's request ids are.
std::string random_uuid();
/// `digits` random lower-case hexadecimal digits (log stream names, trace ids).
std::string random_hex(int digits);

}  // namespace base

// What the callers of OpenSSL share: owners of its objects, and texts as its bytes. Pure.
#pragma once

#include <string>
#include <string_view>

namespace playhead {

/// Of a std::unique_ptr: what OpenSSL made goes by OpenSSL's own function.
template <auto Free>
struct Deleter {
  template <typename T>
  void operator()(T* object) const {
    Free(object);
  }
};

inline const unsigned char* bytes_of(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}
inline unsigned char* bytes_of(std::string& text) {
  return reinterpret_cast<unsigned char*>(text.data());
}

}  // namespace playhead

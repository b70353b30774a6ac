//! Bytes of saved state: integers in as few bytes as they need (LEB128, signs folded), numbers as their bits.

/// Appends to saved state.
pub(super) struct Writer<'a>(pub &'a mut Vec<u8>);

/// Takes from saved state; every taking fails at the end instead of reading past it.
pub(super) struct Reader<'a>(pub &'a [u8]);

/// Saved state that ends early or holds what was never written.
#[derive(Debug)]
pub(super) struct Broken;

impl Writer<'_> {
    pub fn unsigned(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.0.push(value as u8 | 0x80);
            value >>= 7;
        }
        self.0.push(value as u8);
    }

    pub fn signed(&mut self, value: i64) {
        self.unsigned(((value << 1) ^ (value >> 63)) as u64);
    }

    pub fn number(&mut self, value: f64) {
        self.0.extend_from_slice(&value.to_bits().to_le_bytes());
    }

    pub fn flag(&mut self, value: bool) {
        self.0.push(u8::from(value));
    }

    pub fn text(&mut self, value: &str) {
        self.unsigned(value.len() as u64);
        self.0.extend_from_slice(value.as_bytes());
    }

    /// Writes whether there is one, then the thing.
    pub fn option<T>(&mut self, value: Option<T>, write: impl FnOnce(&mut Self, T)) {
        self.flag(value.is_some());
        if let Some(value) = value {
            write(self, value);
        }
    }
}

impl<'a> Reader<'a> {
    pub fn bytes(&mut self, count: usize) -> Result<&'a [u8], Broken> {
        let (taken, rest) = self.0.split_at_checked(count).ok_or(Broken)?;
        self.0 = rest;
        Ok(taken)
    }

    pub fn unsigned(&mut self) -> Result<u64, Broken> {
        let mut value = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.bytes(1)?[0];
            value |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Ok(value);
            }
        }
        Err(Broken)
    }

    pub fn signed(&mut self) -> Result<i64, Broken> {
        let folded = self.unsigned()?;
        Ok((folded >> 1) as i64 ^ -((folded & 1) as i64))
    }

    pub fn index(&mut self) -> Result<u32, Broken> {
        u32::try_from(self.unsigned()?).map_err(|_| Broken)
    }

    /// A count of things that take at least a byte each.
    pub fn count(&mut self) -> Result<usize, Broken> {
        let count = usize::try_from(self.unsigned()?).map_err(|_| Broken)?;
        if count <= self.0.len() { Ok(count) } else { Err(Broken) }
    }

    pub fn number(&mut self) -> Result<f64, Broken> {
        let bytes = self.bytes(8)?;
        Ok(f64::from_bits(u64::from_le_bytes(bytes.try_into().map_err(|_| Broken)?)))
    }

    pub fn flag(&mut self) -> Result<bool, Broken> {
        match self.bytes(1)?[0] {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err(Broken),
        }
    }

    pub fn text(&mut self) -> Result<&'a str, Broken> {
        let count = self.count()?;
        std::str::from_utf8(self.bytes(count)?).map_err(|_| Broken)
    }

    pub fn option<T>(&mut self, read: impl FnOnce(&mut Self) -> Result<T, Broken>) -> Result<Option<T>, Broken> {
        if self.flag()? { read(self).map(Some) } else { Ok(None) }
    }

    pub fn list<T>(&mut self, mut read: impl FnMut(&mut Self) -> Result<T, Broken>) -> Result<Vec<T>, Broken> {
        let count = self.count()?;
        (0..count).map(|_| read(self)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_survive() {
        for value in [0, 1, -1, 63, -64, 64, i64::MAX, i64::MIN, 1_763_884_800_000] {
            let mut bytes = Vec::new();
            Writer(&mut bytes).signed(value);
            assert_eq!(Reader(&bytes).signed().unwrap(), value);
        }
    }
}

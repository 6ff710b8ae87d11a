//! Commands as clients send them (RESP2: an array of bulk strings), as far as a proxy needs.

/// A command that passed.
#[derive(Clone, Debug)]
pub struct Command {
    /// Its words.
    pub words: Vec<Vec<u8>>,
    /// The bytes it came as.
    pub bytes: Vec<u8>,
    /// Which connection it came on, counted from 1.
    pub connection: usize,
}

impl Command {
    /// Whether it is this command.
    pub fn is(&self, name: &str) -> bool {
        self.words
            .first()
            .is_some_and(|word| word.eq_ignore_ascii_case(name.as_bytes()))
    }
}

/// Bytes in, commands out.
pub struct Commands {
    buffer: Vec<u8>,
    connection: usize,
}

impl Commands {
    /// The commands of this connection.
    pub fn of(connection: usize) -> Self {
        Self {
            buffer: Vec::new(),
            connection,
        }
    }

    /// Takes bytes in.
    pub fn push(&mut self, bytes: &[u8]) {
        self.buffer.extend_from_slice(bytes);
    }
}

impl Iterator for Commands {
    type Item = Command;

    /// The next command that is complete.
    fn next(&mut self) -> Option<Command> {
        let (count, mut at) = number(&self.buffer, 0, b'*')?;
        let mut words = Vec::new();
        for _ in 0..count {
            let (length, start) = number(&self.buffer, at, b'$')?;
            words.push(self.buffer.get(start..start + length)?.to_vec());
            at = start + length + 2;
        }
        if self.buffer.len() < at {
            return None;
        }
        let bytes = self.buffer.drain(..at).collect();
        Some(Command {
            words,
            bytes,
            connection: self.connection,
        })
    }
}

/// A line of this type with a number in it, and where the next one starts.
fn number(bytes: &[u8], at: usize, kind: u8) -> Option<(usize, usize)> {
    let line = bytes.get(at..)?;
    let end = line.windows(2).position(|pair| pair == b"\r\n")?;
    let digits = line[..end].strip_prefix(&[kind])?;
    let number = std::str::from_utf8(digits).ok()?.parse().ok()?;
    Some((number, at + end + 2))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_come_out_whole_however_they_went_in() {
        let bytes = b"*2\r\n$3\r\nGET\r\n$6\r\nhealth\r\n*1\r\n$4\r\nPING\r\n";
        let mut commands = Commands::of(1);
        let mut names = Vec::new();
        for byte in bytes {
            commands.push(&[*byte]);
            names.extend(commands.next().map(|command| command.words.concat()));
        }
        assert_eq!(names, [b"GEThealth".to_vec(), b"PING".to_vec()]);
    }
}

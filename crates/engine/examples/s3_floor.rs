//! What 256 requests in flight allow: the same requests over bare connections, unsigned and not looked at. The floor of `bench/remote.py`.
//!
//! `s3_floor ADDRESS` reads lines `GET PATH FIRST LAST`, `GET PATH SUFFIX`, `GET PATH` or `PUT PATH BYTES`; an empty line waits until all
//! before it are answered. Prints the seconds it took.

use std::cell::Cell;
use std::io::{Error, ErrorKind, Read as _, Result};
use std::rc::Rc;
use std::time::Instant;
use tokio::net::TcpStream;
use tokio::task::{JoinSet, LocalSet};

const IN_FLIGHT: usize = 256;

fn refused(why: &str) -> Error {
    Error::new(ErrorKind::InvalidData, why.to_owned())
}

/// The head of a request and how many bytes follow it.
fn request(line: &str) -> Result<(String, usize)> {
    let words: Vec<&str> = line.split(' ').collect();
    let (extra, bytes) = match words[..] {
        ["GET", _] => (String::new(), 0),
        ["GET", _, suffix] => (format!("Range: bytes=-{suffix}\r\n"), 0),
        ["GET", _, first, last] => (format!("Range: bytes={first}-{last}\r\n"), 0),
        ["PUT", _, bytes] => {
            let bytes = bytes.parse().map_err(|_| refused(line))?;
            (format!("Content-Length: {bytes}\r\n"), bytes)
        }
        _ => return Err(refused(line)),
    };
    Ok((
        format!("{} /{} HTTP/1.1\r\nHost: s3\r\n{extra}\r\n", words[0], words[1]),
        bytes,
    ))
}

async fn send(stream: &TcpStream, mut bytes: &[u8]) -> Result<()> {
    while !bytes.is_empty() {
        match stream.try_write(bytes) {
            Ok(count) => bytes = &bytes[count..],
            Err(error) if error.kind() == ErrorKind::WouldBlock => stream.writable().await?,
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Takes an answer off the wire.
async fn answer(stream: &TcpStream, room: &mut [u8]) -> Result<()> {
    let (mut held, mut left) = (0, None);
    while left != Some(0) {
        stream.readable().await?;
        let count = match stream.try_read(&mut room[held..]) {
            Ok(0) => return Err(refused("the server closed")),
            Ok(count) => count,
            Err(error) if error.kind() == ErrorKind::WouldBlock => continue,
            Err(error) => return Err(error),
        };
        if let Some(left) = &mut left {
            *left -= count;
            continue;
        }
        held += count;
        if let Some(end) = room[..held].windows(4).position(|four| four == b"\r\n\r\n") {
            let said = String::from_utf8_lossy(&room[..end]).to_ascii_lowercase();
            if !said.starts_with("http/1.1 2") {
                return Err(refused(&said));
            }
            let length = said
                .split("content-length: ")
                .nth(1)
                .and_then(|rest| rest.split("\r\n").next());
            let length: usize = length.unwrap_or("0").parse().map_err(|_| refused(&said))?;
            left = Some(length + end + 4 - held);
            held = 0;
        }
    }
    Ok(())
}

fn main() -> Result<()> {
    let address = std::env::args().nth(1).ok_or_else(|| refused("which address?"))?;
    let address = address.trim_start_matches("http://").to_owned();
    let mut text = String::new();
    std::io::stdin().read_to_string(&mut text)?;
    let phases: Vec<Vec<(String, usize)>> = text
        .split("\n\n")
        .map(|phase| phase.lines().map(request).collect())
        .collect::<Result<_>>()?;
    let payload: Rc<[u8]> = vec![7; phases.iter().flatten().map(|(_, bytes)| *bytes).max().unwrap_or(0)].into();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    LocalSet::new().block_on(&runtime, async {
        let began = Instant::now();
        let mut wires = Vec::new();
        for phase in phases {
            let (phase, next, mut tasks) = (Rc::new(phase), Rc::new(Cell::new(0)), JoinSet::new());
            for _ in 0..IN_FLIGHT.min(phase.len()) {
                let (phase, next, payload) = (Rc::clone(&phase), Rc::clone(&next), Rc::clone(&payload));
                let (held, address) = (wires.pop(), address.clone());
                tasks.spawn_local(async move {
                    let (stream, mut room) = match held {
                        Some(held) => held,
                        None => (TcpStream::connect(address).await?, vec![0; 256 << 10]),
                    };
                    while let Some((head, bytes)) = phase.get(next.replace(next.get() + 1)) {
                        send(&stream, head.as_bytes()).await?;
                        send(&stream, &payload[..*bytes]).await?;
                        answer(&stream, &mut room).await?;
                    }
                    Ok::<_, Error>((stream, room))
                });
            }
            while let Some(done) = tasks.join_next().await {
                wires.push(done.map_err(Error::other)??);
            }
        }
        println!("{:.6}", began.elapsed().as_secs_f64());
        Ok(())
    })
}

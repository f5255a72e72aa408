//! What the peers do, as their scripts say, and what the machines are told of it.

use hbone::{Identity, LinkFailure, Loss, Reason, Stage};
use http::StatusCode;

use super::{Client, Event, Frame};

impl Client {
    pub(super) fn deliver(&mut self, event: Event) {
        match event {
            Event::Act(act) => act(self),
            Event::Stage { link } => self.deliver_stage(link),
            Event::Frame {
                link,
                stream,
                frame,
            } => {
                if !self.is_silent(link) {
                    self.deliver_frame(link, stream, frame);
                }
            }
            Event::Pong { link } => {
                if !self.is_silent(link)
                    && let Some(keepalive) = &mut self.links[link].keepalive
                {
                    keepalive.handle_pong(self.now);
                }
            }
        }
    }

    /// Whether nothing of this connection arrives any more.
    fn is_silent(&self, link: usize) -> bool {
        let link = &self.links[link];
        link.closed || link.silent || self.peers.get(&link.place).is_none_or(|peer| peer.vanished)
    }

    /// Schedules the end of the stage that a connection is in, if it is to have one.
    pub(super) fn schedule_stage(&mut self, link: usize) {
        let Some(peer) = self.peers.get(&self.links[link].place) else {
            return;
        };
        let comes = match self.links[link].establish.stage() {
            Stage::Tcp => peer.tcp.is_some(),
            Stage::Tls => peer.tls.is_some(),
            Stage::Settings => peer.settings.is_some(),
            _ => false,
        };
        if comes {
            let at = self.now + peer.delay;
            self.queue.push(at, Event::Stage { link });
        }
    }

    fn deliver_stage(&mut self, link: usize) {
        if self.is_silent(link) {
            return;
        }
        let now = self.now;
        let link_state = &mut self.links[link];
        let establish = &mut link_state.establish;
        let peer = &self.peers[&link_state.place];
        let outcome = match establish.stage() {
            Stage::Tcp => peer.tcp.clone(),
            Stage::Tls => peer.tls.clone(),
            Stage::Settings => match peer.settings.clone() {
                Some(Ok(max)) => {
                    link_state.max_streams = max;
                    Some(Ok(()))
                }
                Some(Err(failure)) => Some(Err(failure)),
                None => None,
            },
            _ => return,
        };
        match (establish.stage(), outcome) {
            (_, None) => {}
            (_, Some(Err(failure))) => establish.handle_failure(failure),
            (Stage::Tcp, _) => establish.handle_connected(now).unwrap(),
            (Stage::Tls, _) => {
                let identity: Identity = peer.identity.parse().unwrap();
                establish
                    .handle_secured(&identity, Some(b"h2"), now)
                    .unwrap();
            }
            _ => establish.handle_settings().unwrap(),
        }
        self.schedule_stage(link);
    }

    /// Schedules what the peer does on a new stream. A peer that is asked for more than it allows refuses.
    pub(super) fn schedule_answer(&mut self, link: usize, stream: u32) {
        let Some(peer) = self.peers.get_mut(&self.links[link].place) else {
            return;
        };
        let default = vec![(peer.delay, Frame::Head(200))];
        let script = peer.answers.pop_front().unwrap_or(default);
        for (after, frame) in script {
            let event = Event::Frame {
                link,
                stream,
                frame,
            };
            self.queue.push_behind(self.now + after, link as u64, event);
        }
    }

    fn deliver_frame(&mut self, link: usize, stream: u32, frame: Frame) {
        if let Some(keepalive) = &mut self.links[link].keepalive {
            keepalive.handle_progress(self.now);
        }
        match frame {
            Frame::GoAway(reason, covered) => return self.go_away(link, stream, reason, covered),
            Frame::Settings(max) => return self.change_settings(link, max),
            Frame::Lost(failure) => return self.lose(link, &failure, Loss::Closed),
            _ => {}
        }
        let Some(&(walk, level)) = self.links[link].streams.get(&stream) else {
            return; // it has ended here; its peer may not know yet
        };
        let walk_state = &mut self.walks[walk];
        let is_asked = walk_state.request.is_some() && walk_state.dial.level() == level;
        if is_asked {
            let request = walk_state.request.as_mut().unwrap();
            match frame {
                Frame::Head(status @ 100..=199) => {
                    request.handle_informational(StatusCode::from_u16(status).unwrap());
                }
                Frame::Head(status) => {
                    let response = http::Response::builder().status(status).body(());
                    request.handle_response(&response.unwrap().into_parts().0);
                }
                Frame::Reset(reason) => request.handle_reset(reason),
                Frame::Malformed => request.handle_malformed("two statuses".to_owned()),
                _ => {}
            }
        } else if let (Some(inner), true) =
            (self.inner_link(walk, level), !matches!(frame, Frame::Data))
        {
            // The outer tunnel has ended in some way: what ran inside is lost.
            self.lose(inner, &LinkFailure::Closed, Loss::Closed);
        } else if let Some(tunnel) = &mut self.walks[walk].tunnel {
            match frame {
                Frame::Data => drop(tunnel.handle_data()),
                Frame::End => tunnel.handle_end_stream(),
                Frame::Reset(reason) => tunnel.handle_reset(reason),
                // Any header block on an open tunnel.
                _ => tunnel.handle_trailers(),
            }
        }
    }

    fn change_settings(&mut self, link: usize, max: Option<u32>) {
        self.links[link].max_streams = max;
        if let (Some(pool), Some(connection)) = (&mut self.pool, self.links[link].pooled) {
            pool.handle_settings(connection, max, self.now).unwrap();
        }
    }

    fn go_away(&mut self, link: usize, stream: u32, reason: Reason, covered: bool) {
        self.links[link].going_away = true;
        if let (Some(pool), Some(connection)) = (&mut self.pool, self.links[link].pooled) {
            pool.handle_goaway(connection, self.now).unwrap();
        }
        let last = if covered {
            stream
        } else {
            stream.saturating_sub(1)
        };
        for (id, (walk, level)) in self.links[link].streams.clone() {
            let state = &mut self.walks[walk];
            let is_asked = state.dial.level() == level;
            match (&mut state.request, &mut state.tunnel) {
                (Some(request), _) if is_asked && id > last => request.handle_goaway(),
                (_, Some(tunnel)) if level + 1 == state.route.len() => {
                    tunnel.handle_go_away(reason, id <= last);
                }
                _ => {}
            }
        }
    }

    /// A connection is gone, with everything on it and in it.
    pub(super) fn lose(&mut self, link: usize, failure: &LinkFailure, loss: Loss) {
        if self.links[link].closed {
            return;
        }
        if self.links[link].keepalive.is_none() {
            // Its making fails, which settles the rest.
            return self.links[link].establish.handle_failure(failure.clone());
        }
        self.links[link].closed = true;
        if let (Some(pool), Some(connection)) = (&mut self.pool, self.links[link].pooled) {
            let told = match loss {
                Loss::Unanswered => pool.handle_unresponsive(connection, self.now),
                _ => pool.handle_closed(connection, self.now),
            };
            told.unwrap();
        }
        for (walk, level) in self.links[link].streams.clone().into_values() {
            if let Some(inner) = self.inner_link(walk, level) {
                self.lose(inner, failure, loss);
                continue;
            }
            let state = &mut self.walks[walk];
            match (&mut state.request, &mut state.tunnel) {
                (Some(request), _) => request.handle_connection_lost(failure.clone()),
                (None, Some(tunnel)) => tunnel.handle_lost(loss),
                (None, None) => {}
            }
        }
    }

    /// The connection that runs in the tunnel of a walk at a level, if there is one.
    fn inner_link(&self, walk: usize, level: usize) -> Option<usize> {
        self.walks[walk].links.get(level + 1).copied().flatten()
    }
}
